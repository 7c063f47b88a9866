"""Other ways to sign in to the correct server: keys, passwords, cookies, and several at once.

Each is middleware that turns a request's credentials into a token of the correct server, or
leaves the request without one.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt
from starlette.requests import HTTPConnection

from tests.conformance.servers.correct import SECRET, headers_for
from tests.conformance.servers.serving import App, Message, Receive, Send

KEYS = {"key-of-first-0123456789": "first", "key-of-second-0123456789": "second"}
UserOf = Callable[[HTTPConnection], str | None]


def sign_in(user_of: UserOf) -> Callable[[App], App]:
    """Let *user_of* return the name of a request's user; None for a request to refuse."""

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
                user = user_of(HTTPConnection(scope))
                if user is not None:
                    headers.append((b"authorization", headers_for(user)["Authorization"].encode()))
                scope = {**scope, "headers": headers}
            await app(scope, receive, send)

        return changed

    return wrap


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to sign in.

    Attributes:
        user_of: See `sign_in`.
        headers: The first user's credentials.
        other_headers: The second user's.
    """

    user_of: UserOf
    headers: dict[str, str]
    other_headers: dict[str, str] = field(default_factory=dict)


def _header(name: str) -> UserOf:
    return lambda request: KEYS.get(request.headers.get(name, ""))


def _bearer(request: HTTPConnection) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _token_user(request: HTTPConnection) -> str | None:
    try:
        return str(jwt.decode(_bearer(request), SECRET, algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        return None


def _password_user(request: HTTPConnection) -> str | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    known = scheme.lower() == "basic" and password == f"password of {name}"
    return name if known else None


def _basic(name: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:password of {name}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _client_and_secret(request: HTTPConnection) -> str | None:
    user = KEYS.get(request.headers.get("x-client-secret", ""))
    return user if user == request.headers.get("x-client-id") else None


def _secret_ignored(request: HTTPConnection) -> str | None:
    return request.headers.get("x-client-id") if "x-client-secret" in request.headers else None


def _token_and_tenant(request: HTTPConnection) -> str | None:
    tenant = request.headers.get("x-tenant")
    user = _token_user(request)
    return f"{user} of {tenant}" if user and tenant else None


def _token_or_key(request: HTTPConnection) -> str | None:
    return _token_user(request) or _header("x-api-key")(request)


def _any_key(request: HTTPConnection) -> str | None:
    """Accept every key as a user's of its own, or as the default user's."""
    key = request.headers.get("x-api-key")
    return KEYS.get(key, "default") if key is not None else None


def _token_or_any_key(request: HTTPConnection) -> str | None:
    if "authorization" in request.headers:
        return _token_user(request)
    return _any_key(request)


def _token_and_same_name(request: HTTPConnection) -> str | None:
    user = _token_user(request)
    return user if user == request.headers.get("x-user-id") else None


def _named_by_header(request: HTTPConnection) -> str | None:
    return request.headers.get("x-user-id") if _token_user(request) else None


def _unsigned_key(request: HTTPConnection) -> str | None:
    """Accept a token without a signature in a header of its own."""
    token = request.headers.get("x-auth-token", "")
    try:
        if jwt.get_unverified_header(token)["alg"].lower() == "none":
            return str(jwt.decode(token, options={"verify_signature": False})["sub"])
        return str(jwt.decode(token, SECRET, algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        return None


def _unverified_key(request: HTTPConnection) -> str | None:
    token = request.headers.get("x-auth-token", "")
    try:
        if not token.rpartition(".")[2]:
            return None
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        return str(claims["sub"])
    except jwt.InvalidTokenError:
        return None


def _cookie_user(request: HTTPConnection) -> str | None:
    return KEYS.get(request.cookies.get("session", ""))


def _default_cookie_user(request: HTTPConnection) -> str | None:
    session = request.cookies.get("session")
    return None if session is None else KEYS.get(session, "default")


def _guest(request: HTTPConnection) -> str | None:
    """Serve unknown clients as new users, each address and port as another one."""
    port = request.client.port if request.client else 0
    return KEYS.get(_bearer(request)) or f"guest {port}"


def _with(name: str) -> tuple[dict[str, str], dict[str, str]]:
    first, second = KEYS
    return {name: first}, {name: second}


_FIRST_KEY, _SECOND_KEY = KEYS
_TOKENS = headers_for("first"), headers_for("second")
_AUTH_TOKENS = [{"X-Auth-Token": one["Authorization"].split()[1]} for one in _TOKENS]
_OPAQUE = {"Authorization": f"Bearer {_FIRST_KEY}"}, {"Authorization": f"Bearer {_SECOND_KEY}"}
_CLIENTS = [{"X-Client-Id": user, "X-Client-Secret": key} for key, user in KEYS.items()]
_COOKIES = [{"Cookie": f"theme=dark; session={key}; lang=en"} for key in KEYS]

RIGHT: dict[str, SignIn] = {
    "X-API-Key": SignIn(_header("x-api-key"), *_with("X-API-Key")),
    "a header of its own": SignIn(_header("x-acme"), *_with("X-Acme")),
    "opaque bearer token": SignIn(lambda request: KEYS.get(_bearer(request)), *_OPAQUE),
    "bare Authorization": SignIn(_header("authorization"), *_with("Authorization")),
    "Basic": SignIn(_password_user, _basic("first"), _basic("second")),
    "session cookie": SignIn(_cookie_user, *_COOKIES),
    "two headers together": SignIn(_client_and_secret, *_CLIENTS),
    "token and tenant": SignIn(_token_and_tenant, *[{**one, "X-Tenant": "a"} for one in _TOKENS]),
    "token and tenant's key": SignIn(
        lambda request: _token_user(request) if "x-tenant-key" in request.headers else None,
        *[{**one, "X-Tenant-Key": "acme"} for one in _TOKENS],
    ),
    "token or key": SignIn(
        _token_or_key,
        *[{**one, "X-API-Key": key} for one, key in zip(_TOKENS, KEYS, strict=True)],
    ),
    "token and the same name": SignIn(
        _token_and_same_name,
        {**_TOKENS[0], "X-User-Id": "first"},
        {**_TOKENS[1], "X-User-Id": "second"},
    ),
    "guests": SignIn(_guest, *_OPAQUE),
}
"""No check fails with these."""

WRONG: dict[str, tuple[str, SignIn]] = {
    "every key accepted": ("access-garbage-refused", SignIn(_any_key, *_with("X-API-Key"))),
    "every session accepted": ("access-garbage-refused", SignIn(_default_cookie_user, *_COOKIES)),
    "every second key accepted": (
        "access-garbage-refused",
        SignIn(_token_or_any_key, {**_TOKENS[0], "X-API-Key": _FIRST_KEY}),
    ),
    "secret ignored": ("access-garbage-refused", SignIn(_secret_ignored, *_CLIENTS)),
    "unsigned token in another header": (
        "access-unsigned-refused",
        SignIn(_unsigned_key, *_AUTH_TOKENS),
    ),
    "altered token in another header": (
        "access-altered-refused",
        SignIn(_unverified_key, *_AUTH_TOKENS),
    ),
    "only a name": (
        "access-body-names-nobody",
        SignIn(
            lambda request: request.headers.get("x-user-id"),
            {"X-USER-ID": "first"},
            {"X-USER-ID": "second"},
        ),
    ),
    "a name beside a token": (
        "access-body-names-nobody",
        SignIn(
            _named_by_header,
            {**_TOKENS[0], "X-User-Id": "first"},
            {**_TOKENS[1], "X-User-Id": "second"},
        ),
    ),
}
"""The check that fails with each of these."""
