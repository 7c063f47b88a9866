"""Retries: a new answer replaces the old one."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, require_equal
from chatkit_scaffold.conformance.fixtures import retry_last_message
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
