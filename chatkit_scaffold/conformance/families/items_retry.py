"""Retries: a new answer replaces the old one."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, require_equal, untestable
from chatkit_scaffold.conformance.fixtures import retry_last_message
from chatkit_scaffold.conformance.fixtures_long import long_conversation, require_unlimited
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import ids, rows

_SERVER = "chatkit/server.py ChatKitServer (openai-chatkit 1.6.5)"


@check(
    "items-retry-answers",
    level=Level.MUST,
    source=_SERVER + ".ThreadsRetryAfterItemReq",
    fix="Honor `order` and `after` in load_thread_items: a retry pages from the newest item back "
    "to the message.",
    needs={"threads-second-message", "streaming-ends"},
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
    "items-retry-long",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._paginate_thread_items_reverse: pages of 20 items "
    "(openai-chatkit 1.6.5)",
    fix="Honor `order`, `after` and `limit` together in load_thread_items, and return the last "
    "item's id as `after` whenever `has_more` is true.",
    needs={"items-retry-answers"},
)
async def retry_long(target: Target) -> None:
    """A retry of an early message in a long thread ends, and keeps what came before.

    The message is the second of twelve or more, so that the SDK needs another page to find it.
    The thread is that of the memory checks, which have recorded its turns; for an agent that
    remembers this takes three requests more, for any other agent also eight or nine short turns.
    """
    talk = await long_conversation(target)
    require_unlimited(talk)
    if talk.unanswered is not None:
        untestable(f"only {len(talk.turns)} messages of a long conversation got an answer")
    user, thread_id = target.user, talk.thread_id
    before = await user.call("threads.get_by_id", thread_id=thread_id)
    message = ids(talk.turns[1].user_messages)[-1:]
    known = ids(rows(before.json, "items", "data"))
    if not message or message[0] not in known:
        untestable("threads.get_by_id did not return the first messages of a long conversation")
    turn = await user.stream("threads.retry_after_item", thread_id=thread_id, item_id=message[0])
    require(turn.ok, turn, "200 and a complete stream")
    require(turn.answers, turn, "thread.item.done with an answer")
    after = await user.call("threads.get_by_id", thread_id=thread_id)
    stored = ids(rows(after.json, "items", "data"))
    kept = known[: known.index(message[0]) + 1]
    require_equal(stored[: len(kept)], kept, "ids up to the message", after)
    old = [one for one in known[len(kept) :] if one in stored]
    require(not old, after, "the items after the message removed", f"still there: {old[:3]}")
