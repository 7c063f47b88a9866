"""Faults of answers that are streamed at the same time, and servers that are only unusual."""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    WidgetItem,
)
from chatkit.widgets import Card, Text
from starlette.responses import JSONResponse

from tests.conformance.servers.agent_faults import responding
from tests.conformance.servers.answers import saying
from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.serving import App, Message, Receive, Send

Events = AsyncIterator[Any]

_PAGE = "The hidden note has the type {'type': 'hidden_context_item'}. " * 5
_NUMBERS = [f"number {number} " for number in range(1, 41)]


def _text(event: Any) -> str:
    """Return the text of a delta; empty for any other event."""
    update = getattr(event, "update", None)
    return getattr(update, "delta", "") or ""


def _with_text(item: Any, text: str) -> Any:
    return item.model_copy(update={"content": [AssistantMessageContent(text=text)]})


def _shared_buffer(parts: Parts) -> None:
    """Collect the text of an answer on the agent, which all requests share."""
    original = parts.agent.respond
    buffer: list[str] = []

    async def respond(turn: Any) -> Events:
        buffer.clear()
        async for event in original(turn):
            buffer.append(_text(event))
            if isinstance(event, ThreadItemDoneEvent):
                yield ThreadItemDoneEvent(item=_with_text(event.item, "".join(buffer)))
            else:
                yield event

    parts.agent.respond = respond


def _shared_queue(parts: Parts) -> None:
    """Pass the deltas of all answers through one queue, whoever takes them from it."""
    original = parts.agent.respond
    queue: list[Any] = []

    async def respond(turn: Any) -> Events:
        async for event in original(turn):
            if not _text(event):
                yield event
                continue
            queue.append(event.update)
            await asyncio.sleep(0.02)  # longer than between two words: the other one waits, too
            yield event.model_copy(update={"update": queue.pop()})

    parts.agent.respond = respond


def _stored_from_shared_buffer(parts: Parts) -> None:
    """Stream correctly, and store the text that was collected on the server."""
    original, add = parts.agent.respond, parts.store.add_thread_item
    buffer: list[str] = []

    async def respond(turn: Any) -> Events:
        buffer.clear()
        async for event in original(turn):
            buffer.append(_text(event))
            yield event

    async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
        is_answer = isinstance(item, AssistantMessageItem)
        stored = _with_text(item, "".join(buffer)) if is_answer else item
        await add(thread_id, stored, context)

    parts.agent.respond, parts.store.add_thread_item = respond, add_thread_item


def _shared_item_id(parts: Parts) -> None:
    """Keep the id of the current answer on the agent."""
    original = parts.agent.respond
    current: list[str] = []

    async def respond(turn: Any) -> Events:
        current.append(turn.store.generate_item_id("message", turn.thread, turn.context))
        async for event in original(turn):
            if isinstance(event, ThreadItemUpdatedEvent):
                yield event.model_copy(update={"item_id": current[-1]})
            else:
                item = event.item.model_copy(update={"id": current[-1]})
                yield event.model_copy(update={"item": item})

    parts.agent.respond = respond


async def _own_words(turn: Any, events: Events) -> Events:
    """Answer without a word of the question, and at length if it asks for that, as a model may."""
    pieces = _NUMBERS if _is_long(turn) else ["Gladly, ", "though not ", "today."]
    async for event in saying(turn, pieces, pause=0.015):
        yield event


async def _one_late_delta(turn: Any, events: Events) -> Events:
    """Wait for the whole answer of the model, and send it in one delta."""
    await _model_runs(turn)
    async for event in saying(turn, ["".join(_NUMBERS)]):
        yield event


async def _no_delta(turn: Any, events: Events) -> Events:
    """Wait for the whole answer of the model, and send only the finished item."""
    await _model_runs(turn)
    async for event in saying(turn, ["".join(_NUMBERS)], deltas=False):
        yield event


async def _page_at_once(turn: Any, events: Events) -> Events:
    """Send a text that was written before, in one delta."""
    async for event in saying(turn, [_PAGE]):
        yield event


async def _widgets_only(turn: Any, events: Events) -> Events:
    """Answer with a widget, as an agent does whose only output is a card."""
    async for event in saying(turn, [""]):
        if isinstance(event, ThreadItemDoneEvent):
            card = Card(children=[Text(value=turn.message.content[0].text)])
            yield ThreadItemDoneEvent(
                item=WidgetItem(
                    id=event.item.id,
                    thread_id=turn.thread.id,
                    created_at=event.item.created_at,
                    widget=card,
                )
            )


async def _model_runs(turn: Any) -> None:
    if _is_long(turn):
        await asyncio.sleep(2.2)


def _is_long(turn: Any) -> bool:
    return "count to" in turn.message.content[0].text


def _one_after_the_other(parts: Parts) -> None:
    """Answer one message at a time; the others wait."""
    original = parts.agent.respond
    lock = asyncio.Lock()

    async def respond(turn: Any) -> Events:
        async with lock:
            async for event in original(turn):
                yield event

    parts.agent.respond = respond


CREATIONS = b'"threads.create"'
"""What only a request has that creates a thread."""
MESSAGES = b'"input": {"content"'
"""What only a request has that sends a message."""


def refused_meanwhile(part: bytes, status: int) -> Callable[[App], App]:
    """Refuse a request with this part, with this status, while another one is answered."""

    def wrap(app: App) -> App:
        streams: set[object] = set()

        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            first = await receive() if scope["type"] == "http" else {}
            concerned = part in first.get("body", b"")
            unread = [first] if first else []

            async def replay() -> Message:
                return unread.pop() if unread else await receive()

            if concerned and streams:
                refusal = JSONResponse({"detail": "another answer is being written"}, status)
                return await refusal(scope, replay, send)
            token = object()
            if concerned:
                streams.add(token)
            try:
                await app(scope, replay, send)
            finally:
                streams.discard(token)

        return changed

    return wrap


FAULTS: dict[str, Fault] = {
    "streaming-text-separate": Fault(patch=_shared_buffer),
    "streaming-in-pieces": Fault(patch=responding(_one_late_delta)),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "deltas go through one queue": ("streaming-text-separate", Fault(patch=_shared_queue)),
    "stored text is shared": ("streaming-text-separate", Fault(patch=_stored_from_shared_buffer)),
    "item id on the agent": ("streaming-not-mixed", Fault(patch=_shared_item_id)),
    "a late answer without deltas": ("streaming-in-pieces", Fault(patch=responding(_no_delta))),
}
ODD: dict[str, Fault] = {
    "own words": Fault(patch=responding(_own_words)),
    "a page at once": Fault(patch=responding(_page_at_once)),
    "widgets only": Fault(patch=responding(_widgets_only)),
    "one answer after the other": Fault(patch=_one_after_the_other),
    "a second answer refused": Fault(middleware=refused_meanwhile(CREATIONS, 409)),
}
