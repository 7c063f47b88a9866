"""Turns a run of the Agents SDK into events for ChatKit's client."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from agents import RunResultStreaming
from chatkit.agents import stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    Workflow,
    WorkflowItem,
)

from app.base import Turn
from app.model.context import TurnContext


async def events_of(
    result: RunResultStreaming, context: TurnContext
) -> AsyncGenerator[ThreadStreamEvent]:
    """Stream a run's events; closing the stream ends the run (see `app/streaming.py`).

    Without `cancel`, a stopped run would continue in the background, with more requests and
    more tool calls. `stream_agent_response` is shielded from the cancellation, which would leave
    its inner tasks running; after `cancel` it finishes on its own. If the run fails, a task of it
    still waits for an event from a tool: the last event is for that task.
    """
    events = stream_agent_response(context, result)
    reading = asyncio.ensure_future(anext(events, None))
    try:
        while (event := await asyncio.shield(reading)) is not None:
            _leave_to_tools(event, context)
            yield event
            reading = asyncio.ensure_future(anext(events, None))
    finally:
        result.cancel()
        with suppress(Exception):  # One that ended the run has been raised above.
            while await reading is not None:
                reading = asyncio.ensure_future(anext(events, None))
        await context.stream(ProgressUpdateEvent(text=""))


def _leave_to_tools(event: ThreadStreamEvent, context: TurnContext) -> None:
    """Keep the SDK from ending a workflow that shows tools: it does not know which still run."""
    match event:
        case ThreadItemAddedEvent(item=WorkflowItem(workflow=Workflow(type="custom"))):
            context.workflow_item = None


async def own_ids(
    events: AsyncGenerator[ThreadStreamEvent], turn: Turn
) -> AsyncGenerator[ThreadStreamEvent]:
    """Replace the id of every assistant message and client tool call.

    The ids of a model cannot be trusted: gateways repeat them, the Agents SDK itself gives the
    same one to all items of some models, and two items with the same id would overwrite each
    other.

    Raises:
        CustomStreamError: The model stopped in the middle of a message.
    """
    ids: dict[str, str] = {}
    async with aclosing(events):
        async for event in events:
            match event:
                case ThreadItemAddedEvent(item=AssistantMessageItem(id=item_id)):
                    ids[item_id] = turn.store.generate_item_id("message", turn.thread, turn.context)
                case ThreadItemDoneEvent(item=ClientToolCallItem() as call):
                    new_id = turn.store.generate_item_id("tool_call", turn.thread, turn.context)
                    event = ThreadItemDoneEvent(item=call.model_copy(update={"id": new_id}))
            yield _renamed(event, ids)
    if ids:
        raise CustomStreamError("The answer broke off.", allow_retry=True)


def _renamed(event: ThreadStreamEvent, ids: dict[str, str]) -> ThreadStreamEvent:
    """Return the event with the item's new id; an item that is finished leaves *ids*."""
    match event:
        case ThreadItemAddedEvent(item=AssistantMessageItem(id=item_id)):
            return ThreadItemAddedEvent(item=event.item.model_copy(update={"id": ids[item_id]}))
        case ThreadItemUpdatedEvent(item_id=item_id) if item_id in ids:
            return event.model_copy(update={"item_id": ids[item_id]})
        case ThreadItemRemovedEvent(item_id=item_id) if item_id in ids:
            return ThreadItemRemovedEvent(item_id=ids.pop(item_id))
        case ThreadItemDoneEvent(item=AssistantMessageItem(id=item_id)) if item_id in ids:
            return ThreadItemDoneEvent(item=event.item.model_copy(update={"id": ids.pop(item_id)}))
        case _:
            return event
