"""Streams: the events of a turn and their order."""

from datetime import datetime
from typing import Any

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.fixtures import conversation, first_turn
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, dig, text_at

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl"
_TYPES = "chatkit/types.py ThreadStreamEvent"


@check(
    "streaming-thread-created",
    level=Level.MUST,
    source=_SERVER,
    fix="Pass threads.create to the SDK's `process`: its stream starts with `thread.created`.",
    needs={"transport-event-types"},
)
async def thread_created(target: Target) -> None:
    """threads.create first sends the new thread's id in a `thread.created` event."""
    _, turn = await first_turn(target)
    created = turn.events_of_type("thread.created")
    expected = 'one {"type": "thread.created", "thread": {"id": …}} before any item'
    require(len(created) == 1, turn, expected)
    require(text_at(created[0], "thread", "id"), turn, expected, created[0])
    names = [event.type for event in turn.events]
    items = [index for index, name in enumerate(names) if name.startswith("thread.item.")]
    require(not items or names.index("thread.created") < items[0], turn, expected)


@check(
    "streaming-ends",
    level=Level.MUST,
    source=_SERVER,
    fix="Return from the generator when the answer is complete, and catch all exceptions in it.",
    needs={"transport-event-types"},
)
async def ends(target: Target) -> None:
    """A stream ends when the answer is complete; it is not cut off and does not stay open."""
    for turn in await _turns(target):
        require(not turn.error, turn, "the end of the stream after the last event")


@check(
    "streaming-message-confirmed",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_new_thread_item_respond",
    fix="Store the user's message, then send it back as `thread.item.done` before the answer "
    "starts.",
    needs={"transport-event-types"},
)
async def message_confirmed(target: Target) -> None:
    """The stream returns the user's message as `thread.item.done`, once and before the answer."""
    for turn in await _turns(target):
        require(
            len(turn.user_messages) == 1,
            turn,
            "one thread.item.done with the user_message",
            f"{len(turn.user_messages)} of them",
        )
        first = turn.items[0].get("type")
        require(first == "user_message", turn, "the user's message before the answer", first)


@check(
    "streaming-answer-arrives",
    level=Level.MUST,
    source=_SERVER,
    fix="Yield the agent's answer from `respond` and end it with ThreadItemDoneEvent; if the "
    "server sends an `error` event instead, its log has the reason.",
    needs={"transport-event-types"},
)
async def answer_arrives(target: Target) -> None:
    """Every message gets an answer: a finished item besides the user's message."""
    for turn in await _turns(target):
        for event in turn.events_of_type("error"):
            fail(turn, "an answer", event)
        require(turn.answers, turn, "thread.item.done with an assistant_message")


@check(
    "streaming-updates-wrapped",
    level=Level.MUST,
    source="chatkit/types.py ThreadItemUpdatedEvent, ThreadItemUpdate",
    fix="Wrap every delta: ThreadItemUpdatedEvent(item_id=item.id, "
    "update=AssistantMessageContentPart…).",
    needs={"transport-event-types"},
)
async def updates_wrapped(target: Target) -> None:
    """Text deltas are sent inside `thread.item.updated`, never as events of their own."""
    for turn in await _turns(target):
        for event in turn.events:
            bare = event.type.startswith(("assistant_message.", "widget.", "workflow."))
            require(
                not bare,
                turn,
                'an event such as {"type": "thread.item.updated", "item_id": …, "update": {…}}',
                event.data,
            )
        for update in turn.events_of_type("thread.item.updated"):
            complete = text_at(update, "item_id") and text_at(update, "update", "type")
            require(complete, turn, "thread.item.updated with `item_id` and `update.type`", update)


@check(
    "streaming-items-in-order",
    level=Level.MUST,
    source=_TYPES,
    fix="Send thread.item.added, then thread.item.updated, then thread.item.done, all with the "
    "same item id.",
    needs={"streaming-updates-wrapped"},
)
async def items_in_order(target: Target) -> None:
    """Each item is added, then updated, then done."""
    for turn in await _turns(target):
        if wrong := out_of_order(turn):
            fail(turn, "thread.item.added → updated … → done for every item id", wrong)


@check(
    "streaming-ids-agree",
    level=Level.MUST,
    source="chatkit/server.py ChatKitServer._process_events keeps pending items by id",
    fix="Generate the item's id once per answer and use it in added, updated and done.",
    needs={"transport-event-types"},
)
async def ids_agree(target: Target) -> None:
    """Every item that is added or updated is finished under the same id."""
    for turn in await _turns(target):
        added = {text_at(event, "item", "id") for event in turn.events_of_type("thread.item.added")}
        updated = {
            text_at(event, "item_id") for event in turn.events_of_type("thread.item.updated")
        }
        removed = {
            text_at(event, "item_id") for event in turn.events_of_type("thread.item.removed")
        }
        replaced = turn.events_of_type("thread.item.replaced")
        finished = {text_at(item, "id") for item in turn.items} | removed
        finished |= {text_at(event, "item", "id") for event in replaced}
        unfinished = (added | (updated if added else set())) - finished
        require(
            not unfinished,
            turn,
            "thread.item.done for every id that was added or updated",
            f"not finished: {sorted(map(str, unfinished))}",
        )


@check(
    "streaming-items-complete",
    level=Level.MUST,
    source="chatkit/types.py ThreadItemBase: id, thread_id, created_at",
    fix="Create items with the classes of chatkit.types and send them as the SDK serializes them.",
    needs={"transport-event-types"},
)
async def items_complete(target: Target) -> None:
    """Items have `id`, `type`, `created_at` and the id of their thread."""
    talk = await conversation(target)
    for turn in (talk.first, talk.second):
        for item in turn.items:
            require(
                _is_complete(item),
                turn,
                "id, type, ISO 8601 created_at; content as text parts",
                item,
            )
            require(
                item.get("thread_id") == talk.thread_id,
                turn,
                f"thread_id {talk.thread_id}",
                f"thread_id {item.get('thread_id')}",
            )


@check(
    "streaming-deltas-add-up",
    level=Level.SHOULD,
    source="chatkit/server.py ChatKitServer._apply_assistant_message_update",
    fix="Send every piece of text once, as a delta, and send the whole text in thread.item.done.",
    needs={"streaming-ids-agree"},
)
async def deltas_add_up(target: Target) -> None:
    """The text deltas of an item add up to its final text."""
    turns = await _turns(target)
    if not any(turn.deltas for turn in turns):
        skip("answers have no text deltas")
    for turn in turns:
        if wrong := wrong_sum(turn):
            fail(turn, *wrong)


def wrong_sum(turn: Exchange) -> tuple[str, str] | None:
    """Compare the deltas of each item to its final text.

    Returns:
        What is expected of the first item that differs, and what its deltas add up to.
    """
    texts: dict[tuple[str, int], str] = {}
    for item_id, index, piece in turn.text_pieces:
        texts[item_id, index] = texts.get((item_id, index), "") + piece
    finished = {text_at(item, "id"): item for item in turn.items}
    for (item_id, index), text in texts.items():
        final = dig(finished.get(item_id), "content", index, "text")
        # Servers often trim white space at the end of the text, which nobody sees.
        if not isinstance(final, str) or final.strip() != text.strip():
            return f"deltas that add up to {final!r}", f"they add up to {text!r}"
    return None


def out_of_order(turn: Exchange) -> str:
    """Return the first event of an item that is out of order; empty if there is none."""
    state: dict[str, str] = {}
    for event in turn.events:
        step = event.type.removeprefix("thread.item.")
        item_id = text_at(event.data, "item", "id") or text_at(event.data, "item_id")
        if not event.type.startswith("thread.item.") or item_id is None:
            continue
        before = state.get(item_id, "")
        if step == "added" and before:
            return f"{item_id} added after it was {before}"
        if step == "updated" and before not in ("added", "updated"):
            return f"{item_id} updated {'after it was ' + before if before else 'but never added'}"
        if step == "done" and before == "done":
            return f"{item_id} done twice"
        state[item_id] = step
    return ""


async def _turns(target: Target) -> list[Exchange]:
    """Return both turns of the conversation, or only the first if it has no thread id."""
    _, turn = await first_turn(target)
    if turn.thread_id is None:
        return [turn]
    return [turn, (await conversation(target)).second]


def _is_complete(item: dict[str, Any]) -> bool:
    created = text_at(item, "created_at")
    if not (text_at(item, "id") and text_at(item, "type") and created):
        return False
    try:
        datetime.fromisoformat(created)
    except ValueError:
        return False
    if item["type"] == "assistant_message":
        content = item.get("content")
        parts = content if isinstance(content, list) else [None]
        return all(isinstance(dig(part, "text"), str) for part in parts)
    return True
