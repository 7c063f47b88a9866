"""Who may do what: credentials, and two users who must not meet."""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.checks.material import (
    EVERYTHING,
    UNKNOWN_ITEM,
    UNKNOWN_THREAD,
    conversation,
    library,
    library_ids,
)
from chatkit_scaffold.checks.model import Level, check, fail, require, require_equal, skip
from chatkit_scaffold.checks.subject import Subject, shared
from chatkit_scaffold.client import Chatkit, user_input
from chatkit_scaffold.exchange import Exchange, dig, ids, rows, text_at

_STORE = "chatkit/store.py Store: every method takes the request's context (openai-chatkit 1.6.5)"
_REFUSED = "404, as for a thread that does not exist"
_FILTER = "Take the user from the verified credentials and filter every store query by it."


@shared
async def anonymous(subject: Subject) -> Exchange:
    """The first user's thread, asked for without credentials."""
    if not subject.authenticated:
        skip("no credentials were given (--header), so there are none to leave out")
    held = await conversation(subject)
    stranger = await subject.stranger("a stranger without credentials")
    return await stranger.call("threads.get_by_id", thread_id=held.thread_id)


@check(
    "access-credentials-needed",
    level=Level.MUST,
    source="RFC 9110 section 11.6.1; the user is who the credentials say",
    fix="Verify credentials in a dependency of the route, before `process` is called.",
    needs={"threads-read-after-first-turn"},
)
async def credentials_needed(subject: Subject) -> None:
    """Without credentials nobody reads a user's thread."""
    answer = await anonymous(subject)
    require(not answer.ok, answer, "401 Unauthorized")


@check(
    "access-missing-is-401",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.2 (401 Unauthorized) and section 11.6.1 WWW-Authenticate",
    fix="Answer 401 with JSON and `WWW-Authenticate: Bearer`, not 403, 500 or a login page.",
    needs={"access-credentials-needed"},
)
async def missing_is_401(subject: Subject) -> None:
    """Missing credentials are answered with 401, which names the scheme."""
    answer = await anonymous(subject)
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
async def garbage_refused(subject: Subject) -> None:
    """Credentials that mean nothing are refused with a 4xx."""
    for value in ("Bearer garbage", "Bearer a.b.c", "Bearer ", "Basic eDp5", "x"):
        await _require_unauthorized(subject, value)


@check(
    "access-unsigned-refused",
    level=Level.MUST,
    source="RFC 8725 section 3.1 (alg: none)",
    fix='Name the algorithms when decoding: jwt.decode(token, key, algorithms=["HS256"]).',
    needs={"access-credentials-needed"},
)
async def unsigned_refused(subject: Subject) -> None:
    """A token that says `alg: none` is refused."""
    claims = _claims(subject.bearer_token) or {"sub": "admin", "exp": 4102444800}
    for algorithm in ("none", "None", "HS256"):
        header = _encode({"alg": algorithm, "typ": "JWT"})
        await _require_unauthorized(subject, f"Bearer {header}.{_encode(claims)}.")


@check(
    "access-altered-refused",
    level=Level.MUST,
    source="RFC 7519 section 7.2 (validating a JWT)",
    fix="Verify the signature before believing a claim: jwt.decode with the key, never "
    "verify_signature=False.",
    needs={"access-credentials-needed"},
)
async def altered_refused(subject: Subject) -> None:
    """A token whose claims were changed after signing, or that has expired, is refused."""
    claims = _claims(subject.bearer_token)
    if claims is None:
        skip("the credentials are not a JWT")
    header, _, signature = subject.bearer_token.split(".")
    for change in ({"sub": "somebody-else"}, {"exp": 1_000_000_000}, {"exp": 4_102_444_800}):
        await _require_unauthorized(
            subject, f"Bearer {header}.{_encode({**claims, **change})}.{signature}"
        )


@check(
    "access-body-names-nobody",
    level=Level.MUST,
    source="CWE-639: authorization bypass through a user-controlled key",
    fix="Never read the user from the body, its metadata or a plain header, only from verified "
    "credentials.",
    needs={"threads-read-after-first-turn"},
)
async def body_names_nobody(subject: Subject) -> None:
    """`user` and `user_id` in the body, its metadata and headers change nothing."""
    held = await conversation(subject)
    names = {"user": "somebody-else", "user_id": "somebody-else", "userId": "somebody-else"}
    answer = await subject.user.request(
        "threads.get_by_id",
        {"thread_id": held.thread_id, **names},
        extra={**names, "metadata": names},
        headers={"x-user-id": "somebody-else", "x-user": "somebody-else"},
    )
    same = answer.ok and dig(answer.json, "id") == held.thread_id
    require(same, answer, "the thread, as without these names")


@check(
    "access-list-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def list_separate(subject: Subject) -> None:
    """A user's list of threads does not show another user's."""
    other, thread_id = await _other(subject)
    answer = await other.call("threads.list", limit=EVERYTHING, order="desc")
    require(answer.ok, answer, "200: the second user's credentials (--other-header) are accepted")
    found = ids(rows(answer.json, "data"))
    require(
        thread_id not in found, answer, "the second user's own threads only", f"{thread_id} too"
    )


@check(
    "access-read-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def read_separate(subject: Subject) -> None:
    """A user cannot read another's thread or its items."""
    other, thread_id = await _other(subject)
    read = await other.call("threads.get_by_id", thread_id=thread_id)
    require(not read.ok, read, _REFUSED)
    items = await other.call("items.list", thread_id=thread_id, limit=10, order="asc")
    require(not rows(items.json, "data"), items, _REFUSED)


@check(
    "access-write-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def write_separate(subject: Subject) -> None:
    """A user cannot write into another's thread, nor answer its tool calls."""
    other, thread_id = await _other(subject)
    answers = [
        await other.say(thread_id, "Let me in."),
        await other.stream("threads.add_client_tool_output", thread_id=thread_id, result={}),
    ]
    for answer in answers:
        require(not answer.items, answer, _REFUSED)
    read = await subject.user.call("threads.get_by_id", thread_id=thread_id)
    require(b"Let me in." not in read.body, read, "the owner's thread unchanged")


@check(
    "access-rename-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def rename_separate(subject: Subject) -> None:
    """A user cannot rename another's thread."""
    other, thread_id = await _other(subject)
    answer = await other.call("threads.update", thread_id=thread_id, title="Taken over")
    require(not answer.ok, answer, _REFUSED)
    read = await subject.user.call("threads.get_by_id", thread_id=thread_id)
    require(dig(read.json, "title") != "Taken over", read, "the owner's title unchanged")


@check(
    "access-retry-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def retry_separate(subject: Subject) -> None:
    """A user cannot have another's message answered again."""
    other, thread_id = await _other(subject)
    before = await _items(subject, thread_id)
    messages = [item for item in before if item.get("type") == "user_message"]
    answer = await other.stream(
        "threads.retry_after_item",
        thread_id=thread_id,
        item_id=text_at(messages, -1, "id") or UNKNOWN_ITEM,
    )
    require(not answer.answers, answer, _REFUSED)
    after = await _items(subject, thread_id)
    require_equal(ids(after), ids(before), "the owner's items", answer)


@check(
    "access-feedback-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate", "items-feedback-taken"},
)
async def feedback_separate(subject: Subject) -> None:
    """A user cannot rate another's answers."""
    other, thread_id = await _other(subject)
    answers = [
        item for item in await _items(subject, thread_id) if item.get("type") == "assistant_message"
    ]
    answer = await other.call(
        "items.feedback",
        thread_id=thread_id,
        item_ids=[text_at(answers, -1, "id") or UNKNOWN_ITEM],
        kind="negative",
    )
    require(not answer.ok, answer, _REFUSED)


@check(
    "access-attachments-separate",
    level=Level.MUST,
    source=_STORE + "; AttachmentStore",
    fix="Keep the owner with every attachment and look it up by both.",
    needs={"access-list-separate"},
)
async def attachments_separate(subject: Subject) -> None:
    """A user can neither use nor delete another's attachment."""
    other, _ = await _other(subject)
    made = await subject.user.call(
        "attachments.create", name="note.txt", size=4, mime_type="text/plain"
    )
    attachment = text_at(made.json, "id") if made.ok else None
    if attachment is None:
        skip("the server does not take attachments")
    used = await other.stream(
        "threads.create", input=user_input("Mine now.", attachments=(attachment,))
    )
    deleted = await other.call("attachments.delete", attachment_id=attachment)
    await subject.user.call("attachments.delete", attachment_id=attachment)
    shown = [item for item in used.user_messages if rows(item, "attachments")]
    require(not shown, used, "404, as for an attachment that does not exist")
    require(not deleted.ok, deleted, "404, as for an attachment that does not exist")


@check(
    "access-delete-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def delete_separate(subject: Subject) -> None:
    """A user cannot delete another's thread."""
    other, _ = await _other(subject)
    thread_id = library_ids(await library(subject))[2]
    answer = await other.call("threads.delete", thread_id=thread_id)
    read = await subject.user.call("threads.get_by_id", thread_id=thread_id)
    # Deleting what is not there may well succeed; what counts is that nothing is gone.
    require(read.ok, answer, _REFUSED, f"{answer.got}; the owner's thread is gone")


@check(
    "access-foreign-as-unknown",
    level=Level.SHOULD,
    source="CWE-204: observable response discrepancy",
    fix="Raise the same NotFoundError for a thread of somebody else as for one that is not there.",
    needs={"access-read-separate"},
)
async def foreign_as_unknown(subject: Subject) -> None:
    """A foreign thread is answered just as one that does not exist."""
    other, thread_id = await _other(subject)
    for operation, params in (("threads.get_by_id", {}), ("threads.update", {"title": "x"})):
        foreign = await other.call(operation, thread_id=thread_id, **params)
        unknown = await other.call(operation, thread_id=UNKNOWN_THREAD, **params)
        again = await other.call(operation, thread_id=UNKNOWN_THREAD, **params)
        require_equal(foreign.status, unknown.status, "status", foreign)
        # Where a request id or a time is told, no two answers are the same.
        if again.body == unknown.body:
            told, wanted = _without(foreign, thread_id), _without(unknown, UNKNOWN_THREAD)
            require_equal(told, wanted, "answer", foreign)


async def _other(subject: Subject) -> tuple[Chatkit, str]:
    """Return the second user, and the first user's thread."""
    if subject.other is None:
        skip("a second user is needed: give the credentials with --other-header")
    return subject.other, (await conversation(subject)).thread_id


async def _items(subject: Subject, thread_id: str) -> list[dict[str, Any]]:
    read = await subject.user.call("threads.get_by_id", thread_id=thread_id)
    return rows(read.json, "items", "data")


async def _require_unauthorized(subject: Subject, authorization: str) -> None:
    if (await anonymous(subject)).status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        skip("the server does not ask for credentials")
    name = f"a stranger with the credentials {authorization[:24]}"
    stranger = await subject.stranger(name, {"authorization": authorization.strip()})
    answer = await stranger.call("threads.list", limit=1)
    if answer.broken or answer.ok:
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


def _without(answer: Exchange, thread_id: str) -> str:
    return answer.body.decode("utf-8", "replace").replace(thread_id, "<id>")
