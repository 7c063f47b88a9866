"""A turn that ends early leaves nothing of its graph behind."""

import asyncio
from contextlib import nullcontext

import pytest
from chatkit.errors import CustomStreamError
from langchain.tools import tool

from app.base import ChatStore
from tests.scripted_model import agent_with, new_turn
from tests.services.agent import Model

pytestmark = pytest.mark.anyio


class SlowTool:
    """A tool that runs until it is cancelled."""

    def __init__(self) -> None:
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

    async def run(self) -> str:
        """Look something up, slowly."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "found"


@pytest.mark.parametrize("way", ["cancelled", "closed"])
async def test_stop_ends_the_tool(store: ChatStore, model: Model, way: str) -> None:
    """The tool that runs is cancelled, and the model is not asked again."""
    slow, turn = SlowTool(), await new_turn(store)
    model.call_tool("look_it_up")
    async with agent_with(model, tool("look_it_up")(slow.run)) as agent:
        before = asyncio.all_tasks()
        events = agent.respond(turn)
        await anext(events)  # The tool is loading.
        await asyncio.wait_for(slow.begun.wait(), 10)
        if way == "cancelled":
            waiting = asyncio.create_task(anext(events, None))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        else:
            await events.aclose()
        await asyncio.wait_for(slow.cancelled.wait(), 10)
        await no_tasks_but(before)
    assert len(model.requests) == 1


async def test_stop_ends_the_request(store: ChatStore, model: Model) -> None:
    """A model that is writing is not read to its end."""
    model.reply("word " * 2000)
    turn = await new_turn(store)
    async with agent_with(model) as agent:
        before = asyncio.all_tasks()
        events = agent.respond(turn)
        for _ in range(5):
            await anext(events)
        await events.aclose()
        await no_tasks_but(before)


@pytest.mark.parametrize("end", ["answered", "refused", "cut off", "silent"])
async def test_run_leaves_no_task_behind(store: ChatStore, model: Model, end: str) -> None:
    """A task that waits for nothing would be logged as an error when it is collected."""
    {
        "answered": lambda: model.reply("Hello."),
        "refused": lambda: model.fail(401, times=None),
        "cut off": lambda: model.reply("One two three four").disconnect(after_chunks=2),
        "silent": lambda: model.slow_first_token(60, times=None),
    }[end]()
    turn = await new_turn(store)
    async with agent_with(model, model_timeout=1) as agent:
        before = asyncio.all_tasks()
        with nullcontext() if end == "answered" else pytest.raises(CustomStreamError):
            async for _ in agent.respond(turn):
                pass
        await no_tasks_but(before)


async def no_tasks_but(before: set[asyncio.Task[object]]) -> None:
    """Wait for what is about to end, and find nothing else."""
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=5)
    assert asyncio.all_tasks() <= before
