"""Isolation: a user cannot see, change or use another user's data."""

from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, require_equal, skip
from chatkit_scaffold.conformance.fixtures import (
    NO_LIMIT,
    UNKNOWN_ITEM,
    conversation,
    three_threads,
    unknown_thread,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_STORE = "chatkit/store.py Store: every method takes the request's context (openai-chatkit 1.6.5)"
_NOT_FOUND = "404, as for a thread that does not exist"
_FILTER = "Take the user from the verified credentials and filter every store query by it."


@check(
    "access-list-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def list_separate(target: Target) -> None:
    """A user's list of threads does not contain another user's threads."""
    other, thread_id = await _second_user(target)
    response = await other.call("threads.list", limit=NO_LIMIT, order="desc")
    expected = "200: the second user's credentials (--other-header) are accepted"
    require(response.ok, response, expected)
    found = ids(rows(response.json, "data"))
    expected = "only the second user's own threads"
    require(thread_id not in found, response, expected, f"{thread_id} too")


@check(
    "access-read-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def read_separate(target: Target) -> None:
    """A user cannot read another user's thread or its items."""
    other, thread_id = await _second_user(target)
    read = await other.call("threads.get_by_id", thread_id=thread_id)
    require(not read.ok, read, _NOT_FOUND)
    items = await other.call("items.list", thread_id=thread_id, limit=10, order="asc")
    require(not rows(items.json, "data"), items, _NOT_FOUND)


@check(
    "access-write-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def write_separate(target: Target) -> None:
    """A user cannot send messages or tool output to another user's thread."""
    other, thread_id = await _second_user(target)
    responses = [
        await other.say(thread_id, "Let me in."),
        await other.stream("threads.add_client_tool_output", thread_id=thread_id, result={}),
    ]
    for response in responses:
        require(not response.items, response, _NOT_FOUND)
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
    """A user cannot rename another user's thread."""
    other, thread_id = await _second_user(target)
    response = await other.call("threads.update", thread_id=thread_id, title="Taken over")
    require(not response.ok, response, _NOT_FOUND)
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
    """A user cannot retry a message in another user's thread."""
    other, thread_id = await _second_user(target)
    before = await _items(target, thread_id)
    messages = [item for item in before if item.get("type") == "user_message"]
    response = await other.stream(
        "threads.retry_after_item",
        thread_id=thread_id,
        item_id=text_at(messages, -1, "id") or UNKNOWN_ITEM,
    )
    require(not response.answers, response, _NOT_FOUND)
    after = await _items(target, thread_id)
    require_equal(ids(after), ids(before), "the owner's items", response)


@check(
    "access-feedback-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate", "items-feedback-taken"},
)
async def feedback_separate(target: Target) -> None:
    """A user cannot give feedback on answers in another user's thread."""
    other, thread_id = await _second_user(target)
    answers = [
        item for item in await _items(target, thread_id) if item.get("type") == "assistant_message"
    ]
    response = await other.call(
        "items.feedback",
        thread_id=thread_id,
        item_ids=[text_at(answers, -1, "id") or UNKNOWN_ITEM],
        kind="negative",
    )
    require(not response.ok, response, _NOT_FOUND)


@check(
    "access-attachments-separate",
    level=Level.MUST,
    source=_STORE + "; AttachmentStore",
    fix="Store the owner with every attachment, and look attachments up by id and owner.",
    needs={"access-list-separate"},
)
async def attachments_separate(target: Target) -> None:
    """A user can neither use nor delete another user's attachment."""
    other, _ = await _second_user(target)
    created = await target.user.call(
        "attachments.create", name="note.txt", size=4, mime_type="text/plain"
    )
    attachment = text_at(created.json, "id") if created.ok else None
    if attachment is None:
        skip("the server does not support attachments")
    used = await other.stream(
        "threads.create", input=user_input("Mine now.", attachments=(attachment,))
    )
    deleted = await other.call("attachments.delete", attachment_id=attachment)
    await target.user.call("attachments.delete", attachment_id=attachment)
    accepted = [item for item in used.user_messages if rows(item, "attachments")]
    expected = "404, as for an attachment that does not exist"
    require(not accepted, used, expected)
    require(not deleted.ok, deleted, expected)


@check(
    "access-delete-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"access-list-separate"},
)
async def delete_separate(target: Target) -> None:
    """A user cannot delete another user's thread."""
    other, _ = await _second_user(target)
    thread_id = (await three_threads(target))[2]
    response = await other.call("threads.delete", thread_id=thread_id)
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    # A server may return 200 for a thread that it cannot find; only the data counts.
    require(read.ok, response, _NOT_FOUND, f"{response.got}; the owner's thread is gone")


@check(
    "access-foreign-as-unknown",
    level=Level.SHOULD,
    source="CWE-204: observable response discrepancy",
    fix="Raise the same NotFoundError for another user's thread as for a thread that does not "
    "exist.",
    needs={"access-read-separate"},
)
async def foreign_as_unknown(target: Target) -> None:
    """The response for another user's thread is the same as for an unknown thread."""
    (other, thread_id), unknown_id = await _second_user(target), unknown_thread()
    for operation, params in (("threads.get_by_id", {}), ("threads.update", {"title": "x"})):
        foreign = await other.call(operation, thread_id=thread_id, **params)
        unknown = await other.call(operation, thread_id=unknown_id, **params)
        again = await other.call(operation, thread_id=unknown_id, **params)
        require_equal(foreign.status, unknown.status, "status", foreign)
        # Bodies that contain a request id or a time differ for every request.
        if again.body == unknown.body:
            got, expected = _without(foreign, thread_id), _without(unknown, unknown_id)
            require_equal(got, expected, "response", foreign)


async def _second_user(target: Target) -> tuple[Chatkit, str]:
    """Return the second user, and the id of the first user's thread."""
    if target.second_user is None:
        skip("a second user is required: pass credentials with --other-header")
    return target.second_user, (await conversation(target)).thread_id


async def _items(target: Target, thread_id: str) -> list[dict[str, Any]]:
    read = await target.user.call("threads.get_by_id", thread_id=thread_id)
    return rows(read.json, "items", "data")


def _without(response: Exchange, thread_id: str) -> str:
    return response.body.decode("utf-8", "replace").replace(thread_id, "<id>")
