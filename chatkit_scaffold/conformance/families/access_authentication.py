"""Authentication: only verified credentials identify a user."""

import base64
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import conversation, fixture
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig


@fixture
async def read_without_credentials(target: Target) -> Exchange:
    """The response to reading the first user's thread without credentials."""
    if not target.authenticated:
        skip("no credentials were passed with --header")
    talk = await conversation(target)
    client = await target.client_without_credentials("a client without credentials")
    return await client.call("threads.get_by_id", thread_id=talk.thread_id)


@check(
    "access-credentials-needed",
    level=Level.MUST,
    source="RFC 9110 section 11.6.1; the credentials identify the user",
    fix="Verify the credentials in a dependency of the route, before it calls `process`.",
    needs={"threads-read-after-first-turn"},
    judges_errors=True,
)
async def credentials_needed(target: Target) -> None:
    """A user's thread cannot be read without credentials."""
    response = await read_without_credentials(target)
    require(not response.ok, response, "401 Unauthorized")


@check(
    "access-missing-is-401",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.2 (401 Unauthorized) and section 11.6.1 WWW-Authenticate",
    fix="Return 401 with JSON and `WWW-Authenticate: Bearer`, not 403, 500 or a login page.",
    needs={"access-credentials-needed"},
    judges_errors=True,
)
async def missing_is_401(target: Target) -> None:
    """A request without credentials returns 401 with a WWW-Authenticate header."""
    response = await read_without_credentials(target)
    if response.status == HTTPStatus.NOT_FOUND:
        skip("the server serves clients without credentials as new users")
    require(response.status == HTTPStatus.UNAUTHORIZED, response, "401 Unauthorized")
    has_scheme = "www-authenticate" in response.headers
    require(has_scheme, response, "401 with a WWW-Authenticate header")


@check(
    "access-garbage-refused",
    level=Level.MUST,
    source="RFC 6750 section 3.1 (invalid_token)",
    fix="Return 401 if the credentials cannot be verified; do not fall back to a default user.",
    needs={"access-credentials-needed"},
    judges_errors=True,
)
async def garbage_refused(target: Target) -> None:
    """The server rejects malformed credentials with a 4xx."""
    for value in ("Bearer garbage", "Bearer a.b.c", "Bearer ", "Basic eDp5", "x"):
        await _require_rejected(target, value)


@check(
    "access-unsigned-refused",
    level=Level.MUST,
    source="RFC 8725 section 3.1 (alg: none)",
    fix='Pass the algorithms when decoding: jwt.decode(token, key, algorithms=["HS256"]).',
    needs={"access-credentials-needed"},
    judges_errors=True,
)
async def unsigned_refused(target: Target) -> None:
    """The server rejects a token without a signature, such as one with `alg: none`."""
    claims = _claims(_token(target)) or {"sub": "admin", "exp": 4102444800}
    for algorithm in ("none", "None", "HS256"):
        header = _encode({"alg": algorithm, "typ": "JWT"})
        await _require_rejected(target, f"Bearer {header}.{_encode(claims)}.")


@check(
    "access-altered-refused",
    level=Level.MUST,
    source="RFC 7519 section 7.2 (validating a JWT)",
    fix="Verify the signature before you use a claim: call jwt.decode with the key, never with "
    "verify_signature=False.",
    needs={"access-credentials-needed"},
    judges_errors=True,
)
async def altered_refused(target: Target) -> None:
    """The server rejects a token whose claims were changed after signing."""
    token = _token(target)
    claims = _claims(token)
    if claims is None:
        skip("the credentials are not a JWT")
    header, _, signature = token.split(".")
    for change in ({"sub": "somebody-else"}, {"exp": 1_000_000_000}, {"exp": 4_102_444_800}):
        await _require_rejected(
            target, f"Bearer {header}.{_encode({**claims, **change})}.{signature}"
        )


@check(
    "access-body-names-nobody",
    level=Level.MUST,
    source="CWE-639: authorization bypass through a user-controlled key",
    fix="Identify the user only by verified credentials, never by the body, its metadata or a "
    "plain header.",
    needs={"threads-read-after-first-turn"},
)
async def body_names_nobody(target: Target) -> None:
    """`user` and `user_id` in the body, its metadata or a header have no effect."""
    talk = await conversation(target)
    names = {"user": "somebody-else", "user_id": "somebody-else", "userId": "somebody-else"}
    response = await target.user.request(
        "threads.get_by_id",
        {"thread_id": talk.thread_id, **names},
        extra={**names, "metadata": names},
        headers={"x-user-id": "somebody-else", "x-user": "somebody-else"},
    )
    same = response.ok and dig(response.json, "id") == talk.thread_id
    require(same, response, "the thread, as without these names")


async def _require_rejected(target: Target, authorization: str) -> None:
    """Fail unless the server rejects the credentials; skip if it requires none."""
    anonymous = await read_without_credentials(target)
    if anonymous.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        skip("the server does not require credentials")
    name = f"a client with the credentials {authorization[:24]}"
    for headers in _credentials(target, authorization):
        client = await target.client_without_credentials(name, headers)
        response = await client.call("threads.list", limit=1)
        if not response.status or response.is_server_error or response.ok:
            fail(response, "401 Unauthorized")


def _credentials(target: Target, authorization: str) -> Iterator[dict[str, str]]:
    """Yield the headers that present the credentials; as a cookie, too, if the user has one."""
    yield {"authorization": authorization.strip()}
    if target.cookies:
        token = authorization.rpartition(" ")[2]
        yield {"cookie": "; ".join(f"{name}={token}" for name in target.cookies)}


def _token(target: Target) -> str:
    """Return the first user's bearer token, or the cookie that is a JWT; empty if neither is."""
    cookies = (value for value in target.cookies.values() if _claims(value) is not None)
    return target.bearer_token or next(cookies, "")


def _encode(value: Mapping[str, Any]) -> str:
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a JWT; None if *token* is not a JWT."""
    _, dot, rest = token.partition(".")
    payload, second_dot, signature = rest.partition(".")
    if not (dot and second_dot) or "." in signature:
        return None
    try:
        padded = payload + "=" * (-len(payload) % 4)
        value = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
