"""A tool that the page carries out for the model: the pages' own code, or by hand in `play`."""

import json
from datetime import UTC, datetime

import pytest
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Match, Reply, ToolCall
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import on_stages
from tests.conftest import Services
from tests.matrix import the

PAGES = [(front, the(agent="openai", frontend=front)) for front in ("page", "react")]
PLAY = ("play", the(agent="openai", frontend="page"))

ANSWERS = Match(tools=True)
"""The requests for answers; the one for a thread's title offers no tools."""
ANOTHER_NAME = """element => {
  const own = element.options.onClientTool;
  element.options.onClientTool = ({ params }) => own({ name: "get_moon_phase", params });
}"""
"""Lets the page's own function get the name of a tool that the page does not have."""


@pytest.fixture
def model(services: Services) -> LLMock:
    """The model that all backends of the agent `openai` ask, without what other tests asked."""
    model: object = services("agent", "openai")
    assert isinstance(model, LLMock)
    return model.reset()


def ask_for_time(chat: Chat, model: LLMock) -> None:
    """Send a message to which the model answers with a call of the tool, then with a text."""
    call = ToolCall("get_local_time")
    model.add(Reply(tool_calls=(call,), match=ANSWERS), Reply("Time for tea.", match=ANSWERS))
    chat.send("Which time is it?")


def told(model: LLMock) -> str:
    """Return the outputs of tools in the last request for an answer."""
    inputs = [request.body["input"] for request in model.requests if request.body.get("tools")]
    return json.dumps([item["output"] for item in inputs[-1] if "output" in item])


@on_stages(*PAGES)
def test_model_gets_the_time_of_the_page(chat: Chat, model: LLMock) -> None:
    """The page answers the call with its own clock, the model gets that, and the answer goes on."""
    chat.page.clock.set_fixed_time(datetime(2031, 7, 15, 12, tzinfo=UTC))
    ask_for_time(chat, model)
    chat.expect_text("Time for tea.")
    assert "2031" in told(model)
    expect(chat.messages("user")).to_have_text(["Which time is it?"])


@on_stages(*PAGES)
def test_model_gets_the_error_of_a_page_without_the_tool(chat: Chat, model: LLMock) -> None:
    """A name that the page does not know gets the page's error, and the answer goes on."""
    model.add(Reply("Hello.", match=ANSWERS))
    chat.send("Hi")
    chat.expect_text("Hello.")
    chat.page.locator("openai-chatkit").evaluate(ANOTHER_NAME)
    ask_for_time(chat, model)
    chat.expect_text("Time for tea.")
    assert "The page has no such tool." in told(model)
    assert "GMT" not in told(model)


@on_stages(*PAGES)
def test_start_prompt_is_the_first_message(chat: Chat, model: LLMock) -> None:
    """A click on a start prompt sends its text, which is not its label."""
    model.add(Reply("Sleep late.", match=ANSWERS))
    chat.part("start-prompt").filter(has_text="Plan my day").click()
    chat.expect_text("Sleep late.")
    expect(chat.messages("user")).to_have_text(["Help me plan my day."])
    expect(chat.part("start-prompt")).to_have_count(0)


@on_stages(PLAY)
def test_call_is_answered_by_hand(chat: Chat, model: LLMock) -> None:
    """`play` shows the pending call, sends the JSON that the user enters, and shows the answer."""
    ask_for_time(chat, model)
    expect(chat.part("client-tool")).to_contain_text("get_local_time")
    chat.part("client-tool-result").fill('{"time": "a quarter past two"}')
    chat.part("client-tool-send").click()
    chat.expect_text("Time for tea.")
    assert "a quarter past two" in told(model)
    expect(chat.part("client-tool-send")).to_have_count(0)
    expect(chat.part("client-tool")).to_contain_text("completed")
