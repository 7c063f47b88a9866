"""Two users who must not meet: neither sees, changes or uses what is the other's."""

from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal, skip
from chatkit_scaffold.conformance.fixtures import (
    EVERYTHING,
    UNKNOWN_ITEM,
    UNKNOWN_THREAD,
    conversation,
    library,
    library_ids,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_STORE = "chatkit/store.py Store: every method takes the request's context (openai-chatkit 1.6.5)"
_REFUSED = "404, as for a thread that does not exist"
_FILTER = "Take the user from the verified credentials and filter every store query by it."


@check(
    "access-list-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def list_separate(target: Target) -> None:
    """A user's list of threads does not show another user's."""
    other, thread_id = await _other(target)
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
async def read_separate(target: Target) -> None:
    """A user cannot read another's thread or its items."""
    other, thread_id = await _other(target)
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
async def write_separate(target: Target) -> None:
    """A user cannot write into another's thread, nor answer its tool calls."""
    other, thread_id = await _other(target)
    answers = [
        await other.say(thread_id, "Let me in."),
        await other.stream("threads.add_client_tool_output", thread_id=thread_id, result={}),
    ]
    for answer in answers:
        require(not answer.items, answer, _REFUSED)
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    require(b"Let me in." not in read.body, read, "the owner's thread unchanged")


@check(
    "access-rename-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def rename_separate(target: Target) -> None:
    """A user cannot rename another's thread."""
    other, thread_id = await _other(target)
    answer = await other.call("threads.update", thread_id=thread_id, title="Taken over")
    require(not answer.ok, answer, _REFUSED)
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    require(dig(read.json, "title") != "Taken over", read, "the owner's title unchanged")


@check(
    "access-retry-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def retry_separate(target: Target) -> None:
    """A user cannot have another's message answered again."""
    other, thread_id = await _other(target)
    before = await _items(target, thread_id)
    messages = [item for item in before if item.get("type") == "user_message"]
    answer = await other.stream(
        "threads.retry_after_item",
        thread_id=thread_id,
        item_id=text_at(messages, -1, "id") or UNKNOWN_ITEM,
    )
    require(not answer.answers, answer, _REFUSED)
    after = await _items(target, thread_id)
    require_equal(ids(after), ids(before), "the owner's items", answer)


@check(
    "access-feedback-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate", "items-feedback-taken"},
)
async def feedback_separate(target: Target) -> None:
    """A user cannot rate another's answers."""
    other, thread_id = await _other(target)
    answers = [
        item for item in await _items(target, thread_id) if item.get("type") == "assistant_message"
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
async def attachments_separate(target: Target) -> None:
    """A user can neither use nor delete another's attachment."""
    other, _ = await _other(target)
    made = await target.user.call(
        "attachments.create", name="note.txt", size=4, mime_type="text/plain"
    )
    attachment = text_at(made.json, "id") if made.ok else None
    if attachment is None:
        skip("the server does not take attachments")
    used = await other.stream(
        "threads.create", input=user_input("Mine now.", attachments=(attachment,))
    )
    deleted = await other.call("attachments.delete", attachment_id=attachment)
    await target.user.call("attachments.delete", attachment_id=attachment)
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
async def delete_separate(target: Target) -> None:
    """A user cannot delete another's thread."""
    other, _ = await _other(target)
    thread_id = library_ids(await library(target))[2]
    answer = await other.call("threads.delete", thread_id=thread_id)
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    # Deleting what is not there may well succeed; what counts is that nothing is gone.
    require(read.ok, answer, _REFUSED, f"{answer.got}; the owner's thread is gone")


@check(
    "access-foreign-as-unknown",
    level=Level.SHOULD,
    source="CWE-204: observable response discrepancy",
    fix="Raise the same NotFoundError for a thread of somebody else as for one that is not there.",
    needs={"access-read-separate"},
)
async def foreign_as_unknown(target: Target) -> None:
    """A foreign thread is answered just as one that does not exist."""
    other, thread_id = await _other(target)
    for operation, params in (("threads.get_by_id", {}), ("threads.update", {"title": "x"})):
        foreign = await other.call(operation, thread_id=thread_id, **params)
        unknown = await other.call(operation, thread_id=UNKNOWN_THREAD, **params)
        again = await other.call(operation, thread_id=UNKNOWN_THREAD, **params)
        require_equal(foreign.status, unknown.status, "status", foreign)
        # Where a request id or a time is told, no two answers are the same.
        if again.body == unknown.body:
            told, wanted = _without(foreign, thread_id), _without(unknown, UNKNOWN_THREAD)
            require_equal(told, wanted, "answer", foreign)


async def _other(target: Target) -> tuple[Chatkit, str]:
    """Return the second user, and the first user's thread."""
    if target.other is None:
        skip("a second user is needed: give the credentials with --other-header")
    return target.other, (await conversation(target)).thread_id


async def _items(target: Target, thread_id: str) -> list[dict[str, Any]]:
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    return rows(read.json, "items", "data")


def _without(answer: Exchange, thread_id: str) -> str:
    return answer.body.decode("utf-8", "replace").replace(thread_id, "<id>")
