"""Faults of the agent and of the server class around it."""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from chatkit.types import ThreadItemDoneEvent, ThreadItemUpdatedEvent, UserMessageItem

from tests.conformance.servers.answers import saying
from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.store_faults import with_new_id

Events = AsyncIterator[Any]


def responding(change: Callable[[Any, Events], Events]) -> Callable[[Parts], None]:
    """Change the events of `respond`; *change* gets the turn and its correct events."""

    def inside(parts: Parts) -> None:
        original = parts.agent.respond
        parts.agent.respond = lambda turn: change(turn, original(turn))

    return inside


async def _silent(turn: Any, events: Events) -> Events:
    """End without an answer, as the tutorial does if there is no message."""
    async for event in events:
        if event is None:
            yield event


async def _bare_deltas(turn: Any, events: Events) -> Events:
    """Yield bare updates, not wrapped in an event, as the tutorial does."""
    async for event in events:
        yield event.update if isinstance(event, ThreadItemUpdatedEvent) else event


async def _added_last(turn: Any, events: Events) -> Events:
    """Send the updates of an item before adding it, as the tutorial does."""
    added = await anext(aiter(events))
    async for event in events:
        if isinstance(event, ThreadItemDoneEvent):
            yield added
        yield event


async def _finished_under_new_id(turn: Any, events: Events) -> Events:
    """Finish an item under another id than the one it was added under."""
    async for event in events:
        if isinstance(event, ThreadItemDoneEvent):
            yield ThreadItemDoneEvent(item=with_new_id(event.item))
        else:
            yield event


async def _deltas_lost(turn: Any, events: Events) -> Events:
    """Lose every third text delta."""
    count = 0
    async for event in events:
        kind = getattr(getattr(event, "update", None), "type", "")
        count += kind.endswith("text_delta")
        if not (kind.endswith("text_delta") and count % 3 == 0):
            yield event


async def _blocking(turn: Any, events: Events) -> Events:
    """Block the event loop, as a synchronous client does."""
    async for event in saying(turn, ["word "] * 2, pause=0.01):
        yield event
        if isinstance(event, ThreadItemUpdatedEvent):
            await asyncio.sleep(0.01)  # lets the server send the delta
            if "count" in turn.message.content[0].text:
                time.sleep(1.5)  # noqa: ASYNC251 - this is the fault


def _shared_state(parts: Parts) -> None:
    """Keep the current thread on the agent, which all requests share."""
    original = parts.agent.respond
    current: list[str] = []

    async def respond(turn: Any) -> Events:
        current.append(turn.thread.id)
        async for event in original(turn):
            if isinstance(event, ThreadItemDoneEvent):
                item = event.item.model_copy(update={"thread_id": current[-1]})
                yield ThreadItemDoneEvent(item=item)
            else:
                yield event

    parts.agent.respond = respond


async def _fake_ids(turn: Any, events: Events) -> Events:
    """Use the id that all messages of a Chat Completions model have."""
    async for event in events:
        if isinstance(event, ThreadItemUpdatedEvent):
            yield event.model_copy(update={"item_id": "__fake_id__"})
        else:
            item = event.item.model_copy(update={"id": "__fake_id__"})
            yield event.model_copy(update={"item": item})


def _busy_after_stop(parts: Parts) -> None:
    """Mark a thread as busy, and clear the mark only after a complete answer."""
    original = parts.agent.respond
    busy: set[str] = set()

    async def respond(turn: Any) -> Events:
        if turn.thread.id in busy:
            raise RuntimeError("this thread is busy")
        busy.add(turn.thread.id)
        async for event in original(turn):
            yield event
        busy.discard(turn.thread.id)

    parts.agent.respond = respond


def _stop_keeps_nothing(parts: Parts) -> None:
    """Store nothing when an answer is stopped, because the first await is cancelled again."""

    async def handle_stream_cancelled(thread: Any, pending: Any, context: Any) -> None:
        raise asyncio.CancelledError

    parts.server.handle_stream_cancelled = handle_stream_cancelled


def remembering(history: Callable[[list[Any]], list[Any]]) -> Callable[[Parts], None]:
    """Answer from the history, as a model does; *history* selects the items it gets."""
    return answering(model_reply, history)


def answering(
    reply: Callable[[list[str]], str],
    history: Callable[[list[Any]], list[Any]] = lambda items: items,
) -> Callable[[Parts], None]:
    """Answer without deltas; *reply* gets the user's messages that *history* selects."""

    async def respond(turn: Any, events: Events) -> Events:
        page = await turn.store.load_thread_items(turn.thread.id, None, 100, "asc", turn.context)
        messages = [
            item.content[0].text for item in history(page.data) if isinstance(item, UserMessageItem)
        ]
        async for event in saying(turn, [reply(messages)], deltas=False):
            yield event

    return responding(respond)


def model_reply(messages: list[str]) -> str:
    """Return the answer to the last message of a model that knows only these messages."""
    question = messages[-1] if messages else ""
    if "secret word did I tell" in question:
        found = re.search(r"secret word is (\w+)", " ".join(messages))
        return found.group(1) if found else "I do not know."
    if "+" in question or "to that result" in question:
        return _sum(messages)
    asked = re.search(r"Answer with just .*?(\w+)\.?$", question)
    return asked.group(1) if asked else "OK"


def _sum(messages: list[str]) -> str:
    """Return the sum that is asked for, or was, plus what the last message adds to it."""
    for back, message in enumerate(reversed(messages)):
        if found := re.search(r"What is (\d+) \+ (\d+)\?", message):
            return str(int(found.group(1)) + int(found.group(2)) + (1000 if back else 0))
    return "Which result do you mean?"


FAULTS: dict[str, Fault] = {
    "streaming-answer-arrives": Fault(patch=responding(_silent)),
    "streaming-updates-wrapped": Fault(patch=responding(_bare_deltas)),
    "streaming-items-in-order": Fault(patch=responding(_added_last)),
    "streaming-ids-agree": Fault(patch=responding(_finished_under_new_id)),
    "streaming-deltas-add-up": Fault(patch=responding(_deltas_lost)),
    "streaming-others-answered": Fault(patch=responding(_blocking)),
    "streaming-not-mixed": Fault(patch=_shared_state),
    "items-ids-unique": Fault(patch=responding(_fake_ids)),
    "items-stop-keeps-partial": Fault(patch=_stop_keeps_nothing),
    "items-turn-after-stop": Fault(patch=_busy_after_stop),
    "memory-previous-remembered": Fault(patch=remembering(lambda items: items[-1:])),
    "memory-newest-answered": Fault(patch=remembering(lambda items: items[:20])),
    "memory-first-remembered": Fault(patch=remembering(lambda items: items[-4:])),
}
