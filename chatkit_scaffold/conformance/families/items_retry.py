"""Retries: a new answer replaces the old one."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, require_equal, skip, untestable
from chatkit_scaffold.conformance.families.threads_others import require_harmless
from chatkit_scaffold.conformance.fixtures import retry_last_message
from chatkit_scaffold.conformance.fixtures_long import (
    LongConversation,
    long_conversation,
    require_unlimited,
)
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, ids, item_text, rows, text_at

_SERVER = "chatkit/server.py ChatKitServer"
_REFUSALS = {403, 409}
"""Statuses of a server that retries only the last message. A 404 may be a fault of its pages."""


@check(
    "items-retry-answers",
    level=Level.MUST,
    source=_SERVER + ".ThreadsRetryAfterItemReq",
    fix="Honor `order` and `after` in load_thread_items: a retry pages from the newest item back "
    "to the message.",
    needs={"threads-distinct", "streaming-ends"},
)
async def retry_answers(target: Target) -> None:
    """A retry streams another answer to the message, and ends."""
    turn = (await retry_last_message(target)).turn
    require(turn.ok, turn, "200 and a complete stream")
    for event in turn.events_of_type("error"):
        fail(turn, "an answer", event)
    require(turn.answers, turn, "thread.item.done with an answer")


@check(
    "items-retry-replaces",
    level=Level.MUST,
    source=_SERVER + ".ThreadsRetryAfterItemReq: all items after the user message",
    fix="Delete exactly the items after the message: load_thread_items must honor `order` 'desc'.",
    needs={"items-retry-answers"},
)
async def retry_replaces(target: Target) -> None:
    """A retry removes the old answer, and nothing before it."""
    retry = await retry_last_message(target)
    stored = ids(rows(retry.read.json, "items", "data"))
    kept = retry.ids_before[: retry.ids_before.index(retry.message_id) + 1]
    old = retry.ids_before[len(kept) :]
    require_equal(stored[: len(kept)], kept, "ids up to the message", retry.read)
    remaining = [item_id for item_id in old if item_id in stored]
    require(not remaining, retry.read, "the old answer removed", f"still there: {remaining}")
    new = ids(retry.turn.answers)
    is_stored = stored[len(kept) :] and new[-1] in stored
    require(is_stored, retry.read, f"the new answer {new[-1]}", stored)


@check(
    "items-retry-only-one",
    level=Level.MUST,
    source="chatkit/store.py Store.delete_thread_item",
    fix="Find items by their thread's id and their own in load_thread_items and "
    "delete_thread_item. The run has sent no second retry, so that it deletes nothing else.",
    needs={"threads-listed", "threads-read-after-first-turn"},
)
async def retry_only_one(target: Target) -> None:
    """A retry removes nothing from other threads."""
    await require_harmless(target, "threads.retry_after_item")


@check(
    "items-retry-long",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._paginate_thread_items_reverse: pages of 20 items",
    fix="Honor `order`, `after` and `limit` together in load_thread_items, and return the last "
    "item's id as `after` whenever `has_more` is true.",
    needs={"items-retry-answers", "threads-items-paged"},
)
async def retry_long(target: Target) -> None:
    """A retry of an early message in a long thread ends, and keeps what came before.

    It needs correct pages: without them, the SDK may ask the store for the next one forever, which
    keeps a server busy after the run.

    The message is the second of twelve or more, so that the SDK needs another page to find it.
    The thread is that of the memory checks, which have recorded its turns; for an agent that
    remembers this takes three requests more, for any other agent also eight or nine short turns.
    """
    talk = await long_conversation(target)
    require_unlimited(talk)
    if talk.unanswered is not None:
        untestable(f"only {len(talk.turns)} messages of a long conversation got an answer")
    read = await target.user.call("threads.get_by_id", thread_id=talk.thread_id)
    kept, old = _around_second_message(talk, read)
    turn = await target.user.stream(
        "threads.retry_after_item", thread_id=talk.thread_id, item_id=kept[-1]
    )
    if turn.status in _REFUSALS:
        skip(f"the server refuses to retry an early message: {turn.status}")
    require(turn.ok, turn, "200 and a complete stream")
    require(turn.answers, turn, "thread.item.done with an answer")
    after = await target.user.call("threads.get_by_id", thread_id=talk.thread_id)
    stored = ids(rows(after.json, "items", "data"))
    require_equal(stored[: len(kept)], kept, "ids up to the message", after)
    remaining = [item_id for item_id in old if item_id in stored]
    require(not remaining, after, "the items after it removed", f"still there: {remaining[:3]}")


def _around_second_message(talk: LongConversation, read: Exchange) -> tuple[list[str], list[str]]:
    """Return the ids up to the second message of a thread, and some of those after it.

    Untestable unless the thread is the conversation: no other may be changed.
    """
    items = rows(read.json, "items", "data")
    known, message = ids(items), ids(talk.turns[1].user_messages)[-1:]
    is_ours = text_at(read.json, "id") == talk.thread_id and any(
        talk.first_word in item_text(item) for item in items
    )
    if not (is_ours and message and message[0] in known):
        untestable("threads.get_by_id did not return the first messages of a long conversation")
    end = known.index(message[0]) + 1
    return known[:end], known[end:]
