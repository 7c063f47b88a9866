"""The agent against a server that speaks the Responses API."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime

import openai
import pytest
from agents import OpenAIResponsesModel, Tool, function_tool
from chatkit.errors import CustomStreamError
from chatkit.types import (
    HiddenContextItem,
    InferenceOptions,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTagContent,
    UserMessageTextContent,
)

from app.agent import ItemConverter, OpenAIAgent, TimedModel, Tools
from app.base import ChatStore, RequestContext, Turn, User
from app.store import StoreSettings, open_store
from tests.backend import Backend, StartBackend, is_answer
from tests.services.agent import Model

ALICE = RequestContext(User("alice"), request_id="test")


def test_answer_is_the_models(backend: Backend, model: Model) -> None:
    """The model's text is forwarded in pieces, and stored."""
    model.reply("Forty-two, as far as anybody knows.", times=None)
    client = backend.client()
    answer = client.create_thread("What is the answer?")
    assert answer.text == "Forty-two, as far as anybody knows."
    assert "".join(answer.deltas) == answer.text
    assert len(answer.deltas) > 1
    assert client.items(answer.thread_id)[-1] == answer.items[-1]


def test_ids_are_our_own(backend: Backend, model: Model) -> None:
    """A message has the same long id from its first event to the store."""
    answer = backend.client().create_thread("Hi")
    added = answer.of_type("thread.item.added")[0]["item"]["id"]
    updated = {event["item_id"] for event in answer.of_type("thread.item.updated")}
    assert updated == {added}
    assert [item["id"] for item in answer.items if is_answer(item)] == [added]
    assert len(added) == len("msg_") + 32


def test_model_is_given_the_conversation(backend: Backend, model: Model) -> None:
    """Each turn sends the conversation so far, oldest first."""
    client = backend.client()
    thread_id = client.create_thread("My name is Ada.").thread_id
    client.say(thread_id, "What is my name?")
    sent = str(model.requests[-1].body)
    assert sent.index("My name is Ada.") < sent.index("What is my name?")


def test_title_is_the_models(backend: Backend, model: Model) -> None:
    """A new thread is named by the model, in its first turn."""
    model.reply("A talk about tea", times=None)
    client = backend.client()
    answer = client.create_thread("I like tea")
    assert answer.of_type("thread.updated")[-1]["thread"]["title"] == "A talk about tea"
    assert client.call("threads.get_by_id", thread_id=answer.thread_id)["title"]


def test_refused_request_is_not_retried(backend: Backend, model: Model) -> None:
    """A wrong key is an error event without retry."""
    model.fail(401, times=None)
    error = backend.client().create_thread("Hi").of_type("error")[0]
    assert error["allow_retry"] is False
    assert "401" not in error["message"]


def test_wrong_model_is_readable_in_the_log(start_backend: StartBackend, model: Model) -> None:
    """The log has the provider's code and its sentence, with no key; the user sees neither."""
    backend = start_backend()
    sentence = (
        "The model `gpt-none` does not exist, or sk-local and sk-proj-Ab12***9z cannot use it."
    )
    model.fail(404, code="model_not_found", message=sentence, times=None)
    error = backend.client().create_thread("Hi").of_type("error")[0]
    assert "gpt-none" not in error["message"]
    entry = backend.next_log("model failed")
    assert (entry["status"], entry["code"]) == (404, "model_not_found")
    expected = "The model `gpt-none` does not exist, or [key] and [key] cannot use it."
    assert entry["reason"] == expected
    assert entry["request_id"] == backend.next_log("request")["request_id"]


def test_unreachable_model_is_readable_in_the_log(start_backend: StartBackend) -> None:
    """A wrong OPENAI_BASE_URL shows up as what the network said."""
    backend = start_backend(OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    error = backend.client().create_thread("Hi").of_type("error")[0]
    assert error["allow_retry"] is True
    entry = backend.next_log("model failed")
    assert entry["error"] == "APIConnectionError"
    assert "failed" in entry["reason"]


def test_broken_stream_can_be_retried(backend: Backend, model: Model, titled_thread: str) -> None:
    """A model that stops in the middle is an error event that offers a retry."""
    client = backend.client()
    model.disconnect(after_chunks=6)
    answer = client.say(titled_thread, "Tell me more")
    assert answer.of_type("error")[0]["allow_retry"] is True
    assert answer.text == "".join(answer.deltas) != ""
    assert client.items(titled_thread)[-1] == answer.items[-1]
    user_message = next(item for item in answer.items if item["type"] == "user_message")
    again = client.stream(
        "threads.retry_after_item", thread_id=titled_thread, item_id=user_message["id"]
    )
    assert again.text


def test_response_that_is_not_completed(start_backend: StartBackend, model: Model) -> None:
    """What the user has seen is stored, and can be retried; the log has a reason without keys."""
    backend = start_backend()
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    error = {"code": "server_error", "message": "Busy: sk-proj-Ab12cd, sk-local"}
    cut = {"reason": "max_output_tokens"}
    ends = {"failed": {"error": error}, "incomplete": {"incomplete_details": cut}}
    for status, fields in ends.items():
        model.reset().reply("Half of the answer", times=None)
        model.end_with(status, **fields)
        answer = client.say(thread_id, "Tell me more")
        assert answer.text == "".join(answer.deltas) == "Half of the answer"
        assert answer.events[-1]["type"] == "error"
        assert answer.events[-1]["allow_retry"] is True
        assert client.items(thread_id)[-1] == answer.items[-1]
        reason = backend.next_log("model failed")["reason"]
        assert f"response.{status}" in reason
        assert "sk-" not in reason
        [asked] = [item for item in answer.items if item["type"] == "user_message"]
        retry = {"thread_id": thread_id, "item_id": asked["id"]}
        model.reset().reply("All of the answer", times=None)
        assert client.stream("threads.retry_after_item", **retry).text == "All of the answer"
        assert client.items(thread_id)[-2] == asked


def test_silent_model_is_given_up(start_backend: StartBackend, model: Model) -> None:
    """A model that sends nothing for MODEL_TIMEOUT seconds is an error that offers a retry."""
    backend = start_backend(MODEL_TIMEOUT="1")
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    model.reset().slow_first_token(60, times=None)
    at_once = client.say(thread_id, "Tell me more")
    assert len(model.requests) == 1
    model.reset().stall(after_chunks=8, seconds=60, times=None)
    in_its_answer = client.say(thread_id, "Tell me more")
    for answer in (at_once, in_its_answer):
        assert answer.events[-1]["type"] == "error"
        assert answer.events[-1]["allow_retry"] is True
        assert client.items(thread_id).count(answer.items[-1]) == 1
        assert answer.text == "".join(answer.deltas)
        assert "MODEL_TIMEOUT" in backend.next_log("model failed")["reason"]
    assert not at_once.text
    assert in_its_answer.text


@pytest.mark.anyio
async def test_tool_may_take_longer_than_the_model(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str], model: Model
) -> None:
    """MODEL_TIMEOUT is about the model; a tool that runs is not silence."""

    @function_tool
    async def look_it_up() -> str:
        """Look something up, slowly."""
        await asyncio.sleep(2.5)
        return "found"

    model.call_tool("look_it_up").reply("There it is.")
    async with (
        new_turn(monkeypatch, store_env) as turn,
        openai.AsyncOpenAI(api_key="sk-local", base_url=model.base_url()) as client,
    ):
        timed = TimedModel(OpenAIResponsesModel("gpt-5-mini", client), 2)
        events = [event async for event in OpenAIAgent(timed, having(look_it_up)).respond(turn)]
    assert "There it is." in str(events[-1])


@pytest.mark.anyio
async def test_stop_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str], model: Model
) -> None:
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
    async with (
        new_turn(monkeypatch, store_env) as turn,
        openai.AsyncOpenAI(api_key="sk-local", base_url=model.base_url()) as client,
    ):
        agent = OpenAIAgent(OpenAIResponsesModel("gpt-5-mini", client), having(look_it_up))

        async def answer() -> list[object]:
            return [event async for event in agent.respond(turn)]

        task = asyncio.create_task(answer())
        await asyncio.wait_for(begun.wait(), 10)
        task.cancel()
        await asyncio.wait_for(cancelled.wait(), 10)
        await asyncio.wait([task])
    assert len(model.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["answered", "refused", "failed"])
async def test_run_leaves_no_task_behind(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str], model: Model, end: str
) -> None:
    """A task that waits for nothing would be logged as an error when it is collected."""
    if end == "refused":
        model.fail(401, times=None)
    elif end == "failed":
        model.end_with("failed", error={"code": "server_error", "message": "Busy"})
    async with (
        new_turn(monkeypatch, store_env) as turn,
        openai.AsyncOpenAI(api_key="sk-local", base_url=model.base_url()) as client,
    ):
        agent = OpenAIAgent(OpenAIResponsesModel("gpt-5-mini", client), having())
        before = asyncio.all_tasks()
        with nullcontext() if end == "answered" else pytest.raises(CustomStreamError):
            async for _ in agent.respond(turn):
                pass
        left = asyncio.all_tasks() - before
        if left:
            await asyncio.wait(left, timeout=5)
        assert asyncio.all_tasks() <= before


@pytest.mark.anyio
async def test_mentions_and_hidden_context_reach_the_model() -> None:
    """The model gets items that the SDK's own converter rejects."""
    tag = UserMessageTagContent(id="42", text="Ada", data={"role": "admin"})
    hidden = HiddenContextItem(
        id="h", thread_id="t", created_at=datetime.now(), content={"plan": "pro"}
    )
    sent = str(await ItemConverter().to_agent_input([user_message([tag]), hidden]))
    assert '"role": "admin"' in sent
    assert '"plan": "pro"' in sent


def having(*tools: Tool) -> Tools:
    """Let the model call these tools."""

    async def of_turn(context: RequestContext) -> Sequence[Tool]:
        return tools

    return of_turn


def user_message(
    content: list[UserMessageTextContent | UserMessageTagContent],
) -> UserMessageItem:
    """Return a user's message."""
    return UserMessageItem(
        id="msg",
        thread_id="thr",
        created_at=datetime.now(),
        content=list(content),
        inference_options=InferenceOptions(),
    )


@asynccontextmanager
async def new_turn(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str]
) -> AsyncIterator[Turn]:
    """Store a thread with one message, and return the turn that answers it."""
    for name, value in store_env.items():
        monkeypatch.setenv(name, value)
    message = user_message([UserMessageTextContent(text="Look it up")])
    async with open_store(StoreSettings()) as store:
        thread = await save_thread(store)
        await store.add_thread_item(thread.id, message, ALICE)
        yield Turn(thread, message, [message], store, ALICE)


async def save_thread(store: ChatStore) -> ThreadMetadata:
    """Store an empty thread."""
    thread = ThreadMetadata(id="thr", created_at=datetime.now())
    await store.save_thread(thread, ALICE)
    return thread
