"""Runs with tools: how long they may take, and how they end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime

import openai
import pytest
from agents import FunctionTool, Tool, function_tool
from chatkit.errors import CustomStreamError
from chatkit.types import (
    FileAttachment,
    ImageAttachment,
    InferenceOptions,
    ProgressUpdateEvent,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
    WorkflowItem,
)
from pydantic import AnyUrl

from app.agent import AgentSettings, create_model
from app.base import ChatStore, RequestContext, Turn
from app.features import Feature
from app.model.agent import ModelAgent
from app.model.context import Run
from app.recording import is_work
from tests.scripted import ALICE
from tests.services.agent import Model

pytestmark = pytest.mark.anyio

NewAgent = Callable[..., AbstractAsyncContextManager[ModelAgent]]


@pytest.fixture
async def turn(store: ChatStore) -> Turn:
    """A turn that answers the only message of a thread."""
    now = datetime.now()
    thread = ThreadMetadata(id="thr", created_at=now)
    message = UserMessageItem(
        id="msg",
        thread_id=thread.id,
        created_at=now,
        content=[UserMessageTextContent(text="Look it up")],
        inference_options=InferenceOptions(),
    )
    await store.save_thread(thread, ALICE)
    await store.add_thread_item(thread.id, message, ALICE)
    return Turn(thread, message, [message], store, ALICE)


@pytest.fixture
def new_agent(model: Model) -> NewAgent:
    """Return a function that opens an agent with tools."""

    @asynccontextmanager
    async def open_with(*tools: FunctionTool, **settings: float) -> AsyncIterator[ModelAgent]:
        async def offered(context: RequestContext) -> Sequence[Tool]:
            return tools

        fields = {name.lower(): value for name, value in model().items()}
        read = AgentSettings.model_validate({**fields, **settings})
        address = read.openai_base_url
        async with openai.AsyncOpenAI(api_key="sk-local", base_url=address) as client:
            yield ModelAgent(create_model(read, client), offered, Feature())

    return open_with


async def test_tool_may_take_longer_than_the_model(
    new_agent: NewAgent, turn: Turn, model: Model
) -> None:
    """MODEL_TIMEOUT is about the model; a tool that runs is not silence."""

    @function_tool
    async def look_it_up() -> str:
        """Look something up, slowly."""
        await asyncio.sleep(2.5)
        return "found"

    model.call_tool("look_it_up").reply("There it is.")
    async with new_agent(look_it_up, model_timeout=2) as agent:
        events = [event async for event in agent.respond(turn)]
    assert "There it is." in str(events[-1])


async def test_tool_is_shown_while_it_runs(new_agent: NewAgent, turn: Turn, model: Model) -> None:
    """The client sees the call, what the tool reports, and that it has finished, in this order."""

    @function_tool
    async def look_it_up(run: Run, word: str) -> str:
        """Look something up."""
        await run.context.stream(ProgressUpdateEvent(text="Turning pages"))
        return "found"

    model.call_tool("look_it_up", {"word": "tea"}).reply("There it is.")
    async with new_agent(look_it_up) as agent:
        events = [event async for event in agent.respond(turn)]
    assert [event.type for event in events[:4]] == [
        "thread.item.added",
        "progress_update",
        "thread.item.updated",
        "thread.item.done",
    ]
    done = [event.item for event in events if event.type == "thread.item.done"]
    assert [is_work(item) for item in done] == [True, False]
    assert isinstance(done[0], WorkflowItem)
    [task] = done[0].workflow.tasks
    assert task.type == "custom"
    assert (task.title, task.content) == ("Look it up", "word: tea")
    assert task.status_indicator == "complete"


async def test_attachments_reach_the_model(new_agent: NewAgent, turn: Turn, model: Model) -> None:
    """The model is sent an image, and the name of another file."""
    image = ImageAttachment(
        id="1",
        name="cat.png",
        mime_type="image/png",
        preview_url=AnyUrl("data:image/png;base64,QQ=="),
    )
    plan = FileAttachment(id="2", name="plan.pdf", mime_type="application/pdf")
    assert turn.message is not None
    message = turn.message.model_copy(update={"attachments": [image, plan]})
    async with new_agent() as agent:
        async for _ in agent.respond(replace(turn, history=[message])):
            pass
    sent = str(model.last_request.body)
    assert "data:image/png;base64,QQ==" in sent
    assert "plan.pdf" in sent


async def test_stop_ends_the_run(new_agent: NewAgent, turn: Turn, model: Model) -> None:
    """Closing an answer cancels the tool that runs, and the model is not asked again."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    @function_tool
    async def look_it_up() -> str:
        """Look something up, slowly."""
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "found"

    model.call_tool("look_it_up")
    async with new_agent(look_it_up) as agent:

        async def answer() -> list[object]:
            return [event async for event in agent.respond(turn)]

        task = asyncio.create_task(answer())
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        await asyncio.wait_for(cancelled.wait(), 10)
        await asyncio.wait([task])
    assert len(model.requests) == 1


async def test_endless_calls_end(new_agent: NewAgent, turn: Turn, model: Model) -> None:
    """A model that does nothing but call tools is stopped, and the user can retry."""

    @function_tool
    async def look_it_up() -> str:
        """Look something up."""
        return "nothing"

    model.call_tool("look_it_up", times=None)
    async with new_agent(look_it_up) as agent:
        with pytest.raises(CustomStreamError) as raised:
            async for _ in agent.respond(turn):
                pass
    assert raised.value.allow_retry


@pytest.mark.parametrize("end", ["answered", "refused", "broken"])
async def test_run_leaves_no_task_behind(
    new_agent: NewAgent, turn: Turn, model: Model, end: str
) -> None:
    """A task that waits for nothing would be logged as an error when it is collected."""
    if end == "refused":
        model.fail(401, times=None)
    elif end == "broken":
        model.disconnect(after_chunks=6, times=None)
    async with new_agent() as agent:
        before = asyncio.all_tasks()
        with nullcontext() if end == "answered" else pytest.raises(CustomStreamError):
            async for _ in agent.respond(turn):
                pass
        left = asyncio.all_tasks() - before
        if left:
            await asyncio.wait(left, timeout=5)
        assert asyncio.all_tasks() <= before
