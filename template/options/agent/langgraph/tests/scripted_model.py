"""The agent in this process, with tools of a test and a model that follows a script."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from chatkit.types import (
    InferenceOptions,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    UserMessageTextContent,
    WorkflowItem,
)
from langchain_core.tools import BaseTool

from app.agent import AgentSettings, LangGraphAgent, open_model
from app.base import ChatStore, RequestContext, Turn, User
from app.tools import Toolbox
from tests.services.agent import Model

ALICE = RequestContext(User("alice"), request_id="test")


class NoToolbox(Toolbox):
    """Hands out nothing: a test brings its own tools."""

    def __init__(self) -> None:
        pass

    async def tools(self, context: RequestContext) -> Sequence[BaseTool]:
        """Return no tools."""
        return []


@asynccontextmanager
async def agent_with(
    model: Model, *tools: BaseTool, **settings: Any
) -> AsyncIterator[LangGraphAgent]:
    """Yield an agent that asks *model*."""
    own = {name.lower(): value for name, value in model().items()}
    chosen = AgentSettings.model_validate({**own, **settings})
    async with open_model(chosen) as chat_model:
        yield LangGraphAgent(chat_model, tools, NoToolbox(), chosen)


async def new_turn(store: ChatStore) -> Turn:
    """Store a thread with one message, and return the turn that answers it."""
    thread = ThreadMetadata(id="thr", created_at=datetime.now())
    message = user_message("Look it up")
    await store.save_thread(thread, ALICE)
    await store.add_thread_item(thread.id, message, ALICE)
    return Turn(thread, message, [message], store, ALICE)


def user_message(text: str) -> UserMessageItem:
    """Return a user's message."""
    return UserMessageItem(
        id="msg",
        thread_id="thr",
        created_at=datetime.now(),
        content=[UserMessageTextContent(text=text)],
        inference_options=InferenceOptions(),
    )


async def run_agent(
    store: ChatStore, model: Model, *tools: BaseTool, **settings: Any
) -> list[ThreadStreamEvent]:
    """Let an agent answer, and return all events."""
    async with agent_with(model, *tools, **settings) as agent:
        return [event async for event in agent.respond(await new_turn(store))]


def finished(events: Sequence[ThreadStreamEvent]) -> list[ThreadItem]:
    """Return the items that are done."""
    return [event.item for event in events if isinstance(event, ThreadItemDoneEvent)]


def tasks(events: Sequence[ThreadStreamEvent]) -> list[tuple[str | None, str]]:
    """Return the tools that were shown, and how they ended."""
    workflows = [item.workflow for item in finished(events) if isinstance(item, WorkflowItem)]
    return [
        (task.title, task.status_indicator)
        for workflow in workflows
        for task in workflow.tasks
        if task.type == "custom"
    ]
