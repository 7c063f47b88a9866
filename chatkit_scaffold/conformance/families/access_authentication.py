"""Authentication: only verified credentials identify a user."""

import base64
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.credentials import Credential, as_headers
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures import NO_LIMIT, probe
from chatkit_scaffold.conformance.fixtures_access import (
    Replaceable,
    listed_without_credentials,
    replaceable,
    require_credentials_needed,
    victim,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import dig, ids, rows
from chatkit_scaffold.text import listed

_GARBAGE = ("garbage", "a.b.c", "", "eDp5", "x")
"""The fourth is `x:y` in Base64, as in Basic authentication."""
_SEARCHED_BYTES = 4_000
_REFUSAL = re.compile(r"(?:^|[\"'(>]|: )(40[13]): ")
"""The text of an HTTPException, at the start of a text or after the name of an error; a port and
the number of a line come after a colon without a space, or after a word."""
_USER_HEADERS = ("x-user-id", "x-user")
_NOBODY = "somebody-else"

_UNHANDLED = (
    "Catch what the verification raises and return 401; add `except HTTPException: raise` before "
    "`except Exception`, which turns a 401 into a 500."
)
"""The fix for a server that rejects the credentials with an error of its own."""


@check(
    "access-credentials-needed",
    level=Level.MUST,
    source="RFC 9110 section 11.6.1; the credentials identify the user",
    fix="Verify the credentials in a dependency of the route, before it calls `process`.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def credentials_needed(target: Target) -> None:
    """A user's thread cannot be read without credentials."""
    await listed_without_credentials(target)
    thread = await victim(target)
    client = await target.client_without_credentials("a client without credentials")
    response = await client.call("threads.get_by_id", thread_id=thread.id)
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
    response = await listed_without_credentials(target)
    if response.ok:
        skip("the server serves clients without credentials as new users")
    require(response.status == HTTPStatus.UNAUTHORIZED, response, "401 Unauthorized")
    has_scheme = "www-authenticate" in response.headers
    require(has_scheme, response, "401 with a WWW-Authenticate header")


@check(
    "access-garbage-refused",
    level=Level.MUST,
    source="RFC 6750 section 3.1 (invalid_token)",
    fix="Return 401 if the credentials cannot be verified; do not fall back to a default user.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def garbage_refused(target: Target) -> None:
    """The server rejects malformed credentials with a 4xx."""
    for place in await _places(target):
        for value in _GARBAGE:
            wrong = [one.with_secret(value) for one in place.replaced]
            await _require_rejected(target, place, wrong, repr(value))


@check(
    "access-refusal-status",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.2 (401) and 15.5.4 (403); str(HTTPException) of starlette",
    fix="Let HTTPException through: add `except HTTPException: raise` before `except Exception`, "
    "or authenticate before the `try`.",
    needs={"transport-reachable"},
    last=True,
    judges_errors=True,
)
async def refusal_status(target: Target) -> None:
    """A refusal has the status 401 or 403, and is not the text of a server error."""
    if target.authenticated:
        await listed_without_credentials(target)
        garbage = [one.with_secret("garbage") for one in target.credentials]
        client = await target.client_without_credentials(
            "a client with garbage as credentials", as_headers(garbage)
        )
        await client.call("threads.list", limit=1)
    for exchange in target.exchanges:
        text = exchange.body[:_SEARCHED_BYTES].decode("utf-8", "replace")
        found = _REFUSAL.search(text) if exchange.is_server_error else None
        if found and f"{found[1]}: " not in exchange.sent:
            status = found[1]
            fail(exchange, f"the status {status}, which the error's text names", exchange.got)


@check(
    "access-unsigned-refused",
    level=Level.MUST,
    source="RFC 8725 section 3.1 (alg: none)",
    fix='Pass the algorithms when decoding: jwt.decode(token, key, algorithms=["HS256"]).',
    needs={"transport-reachable"},
    judges_errors=True,
)
async def unsigned_refused(target: Target) -> None:
    """The server rejects a token without a signature, such as one with `alg: none`."""
    for place in await _places(target):
        found = (_claims(one.secret) for one in target.credentials)
        claims = next(filter(None, found), {"sub": "admin", "exp": 4102444800})
        for algorithm in ("none", "None", "HS256"):
            token = f"{_encode({'alg': algorithm, 'typ': 'JWT'})}.{_encode(claims)}."
            wrong = [_with_token(one, token) for one in place.replaced]
            await _require_rejected(target, place, wrong, f"an unsigned token, alg {algorithm}")


@check(
    "access-altered-refused",
    level=Level.MUST,
    source="RFC 7519 section 7.2 (validating a JWT)",
    fix="Verify the signature before you use a claim: call jwt.decode with the key, never with "
    "verify_signature=False.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def altered_refused(target: Target) -> None:
    """The server rejects a token whose claims were changed after signing."""
    tokens = [one for one in target.credentials if _claims(one.secret) is not None]
    if not tokens:
        skip("the credentials are not a JWT")
    for place in await _places(target):
        for change in ({"sub": _NOBODY}, {"exp": 1_000_000_000}, {"exp": 4_102_444_800}):
            wrong = [_altered(one, change) for one in place.replaced]
            if wrong != [*place.replaced]:
                await _require_rejected(target, place, wrong, f"a token with {change}")


@check(
    "access-body-names-nobody",
    level=Level.MUST,
    source="CWE-639: authorization bypass through a user-controlled key",
    fix="Identify the user only by verified credentials, never by the body, its metadata or a "
    "plain header.",
    needs={"transport-reachable"},
)
async def body_names_nobody(target: Target) -> None:
    """`user` and `user_id` in the body, its metadata or a header have no effect."""
    thread = await victim(target)
    names = dict.fromkeys(("user", "user_id", "userId"), _NOBODY)
    own = [one for one in target.user.headers if one.lower() in _USER_HEADERS]
    response = await target.user.request(
        "threads.get_by_id",
        {"thread_id": thread.id, **names},
        extra={**names, "metadata": names},
        headers={} if own else dict.fromkeys(_USER_HEADERS, _NOBODY),
    )
    same = response.ok and dig(response.json, "id") == thread.id
    require(same, response, "the thread, as without these names")
    for header in own:
        response = await target.user.request(
            "threads.list", {"limit": NO_LIMIT, "order": "desc"}, headers={header: _NOBODY}
        )
        # The name may be there to be compared with the credentials: then another one is refused.
        same = not response.ok or thread.id in ids(rows(response.json, "data"))
        expected = "the user's own threads, or 401: a header without a proof names nobody"
        require(same, response, expected, f"{header}: {_NOBODY} is accepted as another user")


async def _places(target: Target) -> list[Replaceable]:
    """Return the credentials to replace; skip the check if the server requires none."""
    if not target.authenticated:
        skip("no credentials were passed with --header")
    response = await probe(target)
    require_no_server_error(response)
    if not response.ok:
        untestable("threads.list does not return 200 with the user's own credentials")
    await require_credentials_needed(target)
    return await replaceable(target)


async def _require_rejected(
    target: Target, place: Replaceable, wrong: list[Credential], what: str
) -> None:
    """Fail unless the server rejects *wrong* credentials with a 4xx."""
    names = listed([one.name for one in wrong], "and")
    client = await target.client_without_credentials(
        f"a client with {what} as {names}", as_headers([*place.kept, *wrong])
    )
    response = await client.call("threads.list", limit=1)
    if response.is_server_error:
        fail(response, "401 Unauthorized", fix=_UNHANDLED)
    require(response.status and not response.ok, response, "401 Unauthorized")


def _with_token(credential: Credential, token: str) -> Credential:
    """Return the credential with a token, as a bearer token if it is the usual header."""
    if credential.header.lower() == "authorization":
        return credential.with_value(f"Bearer {token}")
    return credential.with_secret(token)


def _altered(credential: Credential, change: Mapping[str, Any]) -> Credential:
    """Return the credential with changed claims and its old signature, if it is a JWT."""
    claims = _claims(credential.secret)
    if claims is None:
        return credential
    header, _, signature = credential.secret.split(".")
    return credential.with_secret(f"{header}.{_encode({**claims, **change})}.{signature}")


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
