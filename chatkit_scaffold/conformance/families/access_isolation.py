"""Isolation: a user cannot see, change or use another user's data."""

import secrets
from typing import Any

from chatkit_scaffold.conformance.attachments import (
    attach,
    create_file,
    has_file,
    require_attachable,
)
from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_equal,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures import (
    NO_LIMIT,
    UNKNOWN_ITEM,
    first_turn,
    own_thread,
    preset,
    unknown_thread,
)
from chatkit_scaffold.conformance.fixtures_access import (
    foreign_thread,
    listed_by_second_user,
    second_user,
    victim,
    victim_last_read,
    victim_read_by_second_user,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at

_STORE = "chatkit/store.py Store: every method takes the request's context"
_NOT_FOUND = "404, as for a thread that does not exist"
_FILTER = "Take the user from the verified credentials and filter every store query by it."


@check(
    "access-list-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"threads-listed"},
)
async def list_separate(target: Target) -> None:
    """A user's list of threads does not contain another user's threads."""
    accepted = await listed_by_second_user(target)
    expected = "200: the second user's credentials (--other-header) are accepted"
    require(accepted.ok, accepted, expected)
    # Not the victim: a server may make a thread of its id when the second user writes to it.
    other, (_, turn) = await second_user(target), await first_turn(target)
    response = await other.call("threads.list", limit=NO_LIMIT, order="desc")
    require(response.ok, response, "200 and the second user's threads")
    found = ids(rows(response.json, "data"))
    require(
        turn.thread_id not in found,
        response,
        "only the second user's own threads",
        f"{turn.thread_id} too",
    )


@check(
    "access-read-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"transport-reachable"},
)
async def read_separate(target: Target) -> None:
    """A user cannot read another user's thread or its items."""
    read, thread = await victim_read_by_second_user(target), await victim(target)
    require(not read.ok, read, _NOT_FOUND)
    other = await second_user(target)
    items = await other.call("items.list", thread_id=thread.id, limit=10, order="asc")
    require(not rows(items.json, "data"), items, _NOT_FOUND)


@check(
    "access-write-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"transport-reachable"},
)
async def write_separate(target: Target) -> None:
    """A user cannot send messages or tool output to another user's thread."""
    other, thread = await foreign_thread(target)
    responses = [
        await other.say(thread.id, "Let me in."),
        await other.stream("threads.add_client_tool_output", thread_id=thread.id, result={}),
    ]
    for response in responses:
        require(not response.items, response, _NOT_FOUND)
    read = await target.user.call("threads.get_by_id", thread_id=thread.id)
    require(b"Let me in." not in read.body, read, "the owner's thread unchanged")


@check(
    "access-turns-separate",
    level=Level.MUST,
    source=_STORE,
    fix="Store an item by its thread's id and its own id: a model's item ids, such as the Agents "
    "SDK's `__fake_id__`, repeat between threads. Keep nothing of a turn in a global variable.",
    needs={"transport-reachable"},
)
async def turns_separate(target: Target) -> None:
    """Another user's turn leaves a user's thread as it is, and is stored in that user's own."""
    other, thread = await second_user(target), await own_thread(target)
    if not _holds(thread.items, thread.turn):
        untestable("an answer cannot be read back in its thread")
    turn = await other.create_thread(f"Note {secrets.token_hex(4)}. Please answer in four words.")
    mine = await target.user.call("threads.get_by_id", thread_id=thread.id)
    require_equal(_messages(mine), _messages(thread.read), "the first user's thread", mine)
    if turn.thread_id is None:
        if turn.is_client_error:
            untestable(f"the server refuses a message of the second user ({turn.status})")
        fail(turn, "a thread of the second user with an answer")
    theirs = await other.call("threads.get_by_id", thread_id=turn.thread_id)
    found = rows(theirs.json, "items", "data")
    require(_holds(found, turn), theirs, f"the second user's thread, with: {turn.text}")


@check(
    "access-rename-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"transport-reachable"},
)
async def rename_separate(target: Target) -> None:
    """A user cannot rename another user's thread."""
    other, thread = await foreign_thread(target)
    response = await other.call("threads.update", thread_id=thread.id, title="Taken over")
    require(not response.ok, response, _NOT_FOUND)
    read = await target.user.call("threads.get_by_id", thread_id=thread.id)
    require(dig(read.json, "title") != "Taken over", read, "the owner's title unchanged")


@check(
    "access-retry-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"transport-reachable"},
)
async def retry_separate(target: Target) -> None:
    """A user cannot retry a message in another user's thread."""
    other, thread = await foreign_thread(target)
    before = await target.user.call("threads.get_by_id", thread_id=thread.id)
    messages = [item for item in thread.items if item.get("type") == "user_message"]
    response = await other.stream(
        "threads.retry_after_item",
        thread_id=thread.id,
        item_id=text_at(messages, -1, "id") or UNKNOWN_ITEM,
    )
    after = await target.user.call("threads.get_by_id", thread_id=thread.id)
    preset(target, victim_last_read, after)
    require(not response.answers, response, _NOT_FOUND)
    stored, kept = (ids(rows(read.json, "items", "data")) for read in (after, before))
    require_equal(stored, kept, "the owner's items", response)


@check(
    "access-feedback-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"items-feedback-taken"},
)
async def feedback_separate(target: Target) -> None:
    """A user cannot give feedback on answers in another user's thread."""
    other, thread = await second_user(target), await victim(target)
    items = rows((await victim_last_read(target)).json, "items", "data")
    answers = [item for item in items if item.get("type") == "assistant_message"]
    feedback = {"item_ids": [text_at(answers, -1, "id") or UNKNOWN_ITEM], "kind": "negative"}
    foreign = await other.call("items.feedback", thread_id=thread.id, **feedback)
    if foreign.ok:
        unknown = await other.call("items.feedback", thread_id=unknown_thread(), **feedback)
        if unknown.ok:
            # As the SDK's own `add_feedback` does, which keeps nothing.
            skip("the server accepts feedback without looking at the thread")
    require_no_server_error(foreign)
    require(not foreign.ok, foreign, _NOT_FOUND)


@check(
    "access-attachments-separate",
    level=Level.MUST,
    source=_STORE + "; AttachmentStore",
    fix="Store the owner with every attachment, and look attachments up by id and owner.",
    needs={"transport-reachable"},
)
async def attachments_separate(target: Target) -> None:
    """A user can neither use nor delete another user's attachment."""
    await require_attachable(target)
    other, file = await second_user(target), await create_file(target)
    used = await attach(other, file)
    deleted = await other.call("attachments.delete", attachment_id=file.id)
    kept = await attach(target.user, file)
    await target.user.call("attachments.delete", attachment_id=file.id)
    expected = "404, as for an attachment that does not exist"
    require(not has_file(used, file), used, expected)
    # A server may return 200 for a file that it cannot find; only the data counts.
    got = f"{deleted.got}; the owner cannot attach the file any more"
    require(has_file(kept, file), deleted, expected, got)


@check(
    "access-delete-separate",
    level=Level.MUST,
    source=_STORE,
    fix=_FILTER,
    needs={"transport-reachable"},
)
async def delete_separate(target: Target) -> None:
    """A user cannot delete another user's thread."""
    other, _ = await foreign_thread(target)
    thread = await own_thread(target)
    response = await other.call("threads.delete", thread_id=thread.id)
    read = await target.user.call("threads.get_by_id", thread_id=thread.id)
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
    other, thread_id = await second_user(target), (await victim(target)).id
    unknown_id = unknown_thread()
    for operation, params in (("threads.get_by_id", {}), ("threads.update", {"title": "x"})):
        foreign = await other.call(operation, thread_id=thread_id, **params)
        unknown = await other.call(operation, thread_id=unknown_id, **params)
        require_equal(foreign.status, unknown.status, "status", foreign)
        got, expected = _without(foreign, thread_id), _without(unknown, unknown_id)
        if got == expected:
            continue
        again = await other.call(operation, thread_id=unknown_id, **params)
        # Bodies that contain a request id or a time differ for every request.
        require(again.body != unknown.body, foreign, f"response: {expected}", f"response: {got}")


def _holds(items: list[dict[str, Any]], turn: Exchange) -> bool:
    """Return whether *items* have the messages of a turn, from the user and from the assistant."""
    kinds = ("user_message", "assistant_message")
    texts = [item_text(item) for item in items]
    return all(item_text(item) in texts for item in turn.items if item.get("type") in kinds)


def _messages(read: Exchange) -> list[tuple[Any, str]]:
    """Return the id and the text of each message of a thread."""
    kinds = ("user_message", "assistant_message")
    items = rows(read.json, "items", "data")
    return [(item.get("id"), item_text(item)) for item in items if item.get("type") in kinds]


def _without(response: Exchange, thread_id: str) -> str:
    return response.body.decode("utf-8", "replace").replace(thread_id, "<id>")
