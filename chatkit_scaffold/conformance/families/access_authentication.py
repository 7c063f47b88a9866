"""Who somebody is: told by verified credentials and by nothing else."""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import conversation, fixture
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig


@fixture
async def anonymous(target: Target) -> Exchange:
    """The first user's thread, asked for without credentials."""
    if not target.authenticated:
        skip("no credentials were given (--header), so there are none to leave out")
    held = await conversation(target)
    stranger = await target.stranger("a stranger without credentials")
    return await stranger.call("threads.get_by_id", thread_id=held.thread_id)


@check(
    "access-credentials-needed",
    level=Level.MUST,
    source="RFC 9110 section 11.6.1; the user is who the credentials say",
    fix="Verify credentials in a dependency of the route, before `process` is called.",
    needs={"threads-read-after-first-turn"},
)
async def credentials_needed(target: Target) -> None:
    """Without credentials nobody reads a user's thread."""
    answer = await anonymous(target)
    require(not answer.ok, answer, "401 Unauthorized")


@check(
    "access-missing-is-401",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.2 (401 Unauthorized) and section 11.6.1 WWW-Authenticate",
    fix="Answer 401 with JSON and `WWW-Authenticate: Bearer`, not 403, 500 or a login page.",
    needs={"access-credentials-needed"},
)
async def missing_is_401(target: Target) -> None:
    """Missing credentials are answered with 401, which names the scheme."""
    answer = await anonymous(target)
    if answer.status == HTTPStatus.NOT_FOUND:
        skip("strangers are served as users of their own")
    require(answer.status == HTTPStatus.UNAUTHORIZED, answer, "401 Unauthorized")
    require("www-authenticate" in answer.headers, answer, "401 with a WWW-Authenticate header")


@check(
    "access-garbage-refused",
    level=Level.MUST,
    source="RFC 6750 section 3.1 (invalid_token)",
    fix="Answer 401 when credentials cannot be verified; do not fall back to a default user.",
    needs={"access-credentials-needed"},
)
async def garbage_refused(target: Target) -> None:
    """Credentials that mean nothing are refused with a 4xx."""
    for value in ("Bearer garbage", "Bearer a.b.c", "Bearer ", "Basic eDp5", "x"):
        await _require_unauthorized(target, value)


@check(
    "access-unsigned-refused",
    level=Level.MUST,
    source="RFC 8725 section 3.1 (alg: none)",
    fix='Name the algorithms when decoding: jwt.decode(token, key, algorithms=["HS256"]).',
    needs={"access-credentials-needed"},
)
async def unsigned_refused(target: Target) -> None:
    """A token that says `alg: none` is refused."""
    claims = _claims(target.bearer_token) or {"sub": "admin", "exp": 4102444800}
    for algorithm in ("none", "None", "HS256"):
        header = _encode({"alg": algorithm, "typ": "JWT"})
        await _require_unauthorized(target, f"Bearer {header}.{_encode(claims)}.")


@check(
    "access-altered-refused",
    level=Level.MUST,
    source="RFC 7519 section 7.2 (validating a JWT)",
    fix="Verify the signature before believing a claim: jwt.decode with the key, never "
    "verify_signature=False.",
    needs={"access-credentials-needed"},
)
async def altered_refused(target: Target) -> None:
    """A token whose claims were changed after signing, or that has expired, is refused."""
    claims = _claims(target.bearer_token)
    if claims is None:
        skip("the credentials are not a JWT")
    header, _, signature = target.bearer_token.split(".")
    for change in ({"sub": "somebody-else"}, {"exp": 1_000_000_000}, {"exp": 4_102_444_800}):
        await _require_unauthorized(
            target, f"Bearer {header}.{_encode({**claims, **change})}.{signature}"
        )


@check(
    "access-body-names-nobody",
    level=Level.MUST,
    source="CWE-639: authorization bypass through a user-controlled key",
    fix="Never read the user from the body, its metadata or a plain header, only from verified "
    "credentials.",
    needs={"threads-read-after-first-turn"},
)
async def body_names_nobody(target: Target) -> None:
    """`user` and `user_id` in the body, its metadata and headers change nothing."""
    held = await conversation(target)
    names = {"user": "somebody-else", "user_id": "somebody-else", "userId": "somebody-else"}
    answer = await target.user.request(
        "threads.get_by_id",
        {"thread_id": held.thread_id, **names},
        extra={**names, "metadata": names},
        headers={"x-user-id": "somebody-else", "x-user": "somebody-else"},
    )
    same = answer.ok and dig(answer.json, "id") == held.thread_id
    require(same, answer, "the thread, as without these names")


async def _require_unauthorized(target: Target, authorization: str) -> None:
    if (await anonymous(target)).status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        skip("the server does not ask for credentials")
    name = f"a stranger with the credentials {authorization[:24]}"
    stranger = await target.stranger(name, {"authorization": authorization.strip()})
    answer = await stranger.call("threads.list", limit=1)
    if (not answer.status or answer.is_server_error) or answer.ok:
        fail(answer, "401 Unauthorized")


def _encode(value: Mapping[str, Any]) -> str:
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a JWT; None if *token* is none."""
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
