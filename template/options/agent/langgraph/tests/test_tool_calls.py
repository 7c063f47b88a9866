"""Tools that the model calls: shown, limited in time, and allowed to fail."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from chatkit.errors import CustomStreamError
from chatkit.types import ProgressUpdateEvent
from langchain.tools import ToolRuntime, tool
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import ToolException
from llmock.scenarios import Reply, ToolCall
from structlog.testing import capture_logs

from app.base import ChatStore, Turn
from tests.backend import Backend, Event, item_text
from tests.scripted_model import agent_with, finished, new_turn, run_agent, tasks
from tests.services.agent import Model


def results(model: Model) -> list[Any]:
    """Return what the tools have told the model in its last request."""
    sent = model.last_request.body["messages"]
    return [entry["content"] for entry in sent if entry["role"] == "tool"]


def titles(items: list[Event]) -> list[str]:
    """Return the titles of the tools in a thread."""
    workflows = [item["workflow"] for item in items if item["type"] == "workflow"]
    return [task["title"] for workflow in workflows for task in workflow["tasks"]]


def test_earlier_conversations(backend: Backend, model: Model, titled_thread: str) -> None:
    """The model gets the titles of the user's own list, and of no other."""
    backend.client("bob").create_thread("A secret")
    client = backend.client()
    client.call("threads.update", thread_id=titled_thread, title="Plans for Rome")
    model.reset().call_tool("earlier_conversations").reply("We talked about Rome.")
    said = client.say(titled_thread, "What did we talk about?")
    assert said.text == "We talked about Rome."
    page = client.call("threads.list", limit=10)
    [result] = results(model)
    assert json.loads(result) == [thread["title"] for thread in page["data"] if "title" in thread]


def test_tool_is_shown_and_stays(backend: Backend, model: Model, titled_thread: str) -> None:
    """Text, a call and more text are three items, in this order, also in the next turns."""
    client = backend.client()
    for number in range(3):
        model.reset().call_tool("earlier_conversations", text="Let me look.").reply("Found.")
        said = client.say(titled_thread, f"What did we talk about? {number}")
        _, before, work, after = said.items
        assert (item_text(before), item_text(after)) == ("Let me look.", "Found.")
        [loading] = [
            event["item"]
            for event in said.of_type("thread.item.added")
            if event["item"]["type"] == "workflow"
        ]
        [task] = loading["workflow"]["tasks"]
        assert (task["title"], task["status_indicator"]) == ("Earlier conversations", "loading")
        assert work["workflow"]["tasks"][0]["status_indicator"] == "complete"
        assert client.items(titled_thread)[-3:] == [before, work, after]
    assert Counter(titles(client.items(titled_thread))) == {"Earlier conversations": 3}


@tool
async def multiply(factor: int) -> int:
    """Multiply by seven."""
    return factor * 7


@tool
async def fail() -> str:
    """Fail."""
    raise RuntimeError("the password is swordfish")


@tool
async def refuse() -> str:
    """Refuse."""
    raise ToolException("Ask for a year after 1900.")


@tool
async def dawdle() -> str:
    """Take too long."""
    await asyncio.Event().wait()
    return "never"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "title", "result", "logged"),
    [
        (ToolCall("multiply", {"factor": 6}), "Multiply", "42", []),
        (ToolCall("multiply", {"factor": "six"}), "Multiply (failed)", "valid integer", []),
        (ToolCall("fail", {}), "Fail (failed)", "It has failed.", ["fail"]),
        (ToolCall("refuse", {}), "Refuse (failed)", "Ask for a year after 1900.", []),
        (ToolCall("dawdle", {}), "Dawdle (failed)", "It took longer than 0.5 s", ["dawdle"]),
    ],
    ids=["right", "wrong type", "raises", "refuses", "too slow"],
)
async def test_model_is_told_the_result(
    store: ChatStore, model: Model, call: ToolCall, title: str, result: str, logged: list[str]
) -> None:
    """The answer goes on, whatever a tool does; what it raises stays in the log."""
    model.add(Reply(tool_calls=(call,))).reply("I see.")
    with capture_logs() as log:
        tools = (multiply, fail, refuse, dawdle)
        events = await run_agent(store, model, *tools, tool_timeout=0.5)
    assert [entry["tool"] for entry in log] == logged
    assert tasks(events) == [(title, "none" if "failed" in title else "complete")]
    [told] = results(model)
    assert result in told
    assert "swordfish" not in told
    assert finished(events)[-1].type == "assistant_message"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "told"),
    [("malformed_arguments", "Field required"), ("unknown_tool", "not a valid tool")],
)
async def test_wrong_call_is_explained_to_the_model(
    store: ChatStore, model: Model, fault: str, told: str
) -> None:
    """A model that calls what does not exist, or without its arguments, may try again."""
    model.break_tool_call(fault).reply("Let me look.").reply("I cannot do that.")
    events = await run_agent(store, model, multiply)
    [result] = results(model)
    assert told in result
    assert "I cannot do that." in str(events[-1])


class Whole(GenericFakeChatModel):
    """A model that does not stream."""

    disable_streaming: bool = True

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        """Accept tools, without a look at them."""
        return self


@pytest.mark.anyio
async def test_call_with_what_is_not_json(store: ChatStore, model: Model) -> None:
    """The model may try again, although no tool can run."""
    call = {"type": "invalid_tool_call", "id": "c", "name": "multiply", "args": "six", "error": "x"}
    end = {"finish_reason": "stop"}
    wrong = AIMessage("", invalid_tool_calls=[call], response_metadata=end)
    right = AIMessage("Forty-two.", response_metadata=end)
    turn = await new_turn(store)
    async with agent_with(model, multiply) as agent:
        agent.model = Whole(messages=iter([wrong, right]))
        events = [event async for event in agent.respond(turn)]
    assert "Forty-two." in str(events[-1])
    assert tasks(events) == []


@pytest.mark.anyio
async def test_calls_of_one_message_run_together(store: ChatStore, model: Model) -> None:
    """Both tools wait for each other, and share an item."""
    met = asyncio.Barrier(2)

    @tool
    async def meet() -> str:
        """Meet the other one."""
        await met.wait()
        return "met"

    model.add(Reply(tool_calls=(ToolCall("meet", {}), ToolCall("meet", {})))).reply("They met.")
    events = await run_agent(store, model, meet)
    assert tasks(events) == [("Meet", "complete")] * 2
    assert len(finished(events)) == 2
    assert results(model) == ["met", "met"]


@pytest.mark.anyio
async def test_tool_may_send_events(store: ChatStore, model: Model) -> None:
    """What a tool writes to the stream is sent while it runs."""

    @tool
    async def report(runtime: ToolRuntime[Turn, Any]) -> str:
        """Report."""
        runtime.stream_writer(ProgressUpdateEvent(text="Half done"))
        return "done"

    model.call_tool("report").reply("Done.")
    events = await run_agent(store, model, report)
    kinds = [event.type for event in events]
    done = kinds.index("thread.item.done")
    assert kinds.index("thread.item.added") < kinds.index("progress_update") < done


@pytest.mark.anyio
async def test_tool_may_take_longer_than_the_model(store: ChatStore, model: Model) -> None:
    """MODEL_TIMEOUT is about the model; a tool that runs is not silence."""

    @tool
    async def look_it_up() -> str:
        """Look something up, slowly."""
        await asyncio.sleep(2.5)
        return "found"

    model.call_tool("look_it_up").reply("There it is.")
    events = await run_agent(store, model, look_it_up, model_timeout=2)
    assert "There it is." in str(events[-1])


@pytest.mark.anyio
async def test_model_that_only_calls_tools_is_given_up(store: ChatStore, model: Model) -> None:
    """A model that never answers costs no more than some requests."""
    model.pace(0).call_tool("multiply", {"factor": 1}, times=None)
    with pytest.raises(CustomStreamError) as raised:
        await run_agent(store, model, multiply)
    assert raised.value.allow_retry
    assert len(model.requests) < 20
