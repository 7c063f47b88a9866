"""The agent against a server that speaks the model's API."""

from datetime import datetime

import pytest
from chatkit.types import HiddenContextItem

from app.model.items import ItemConverter
from tests.backend import Backend, StartBackend, is_answer, message
from tests.services.agent import Model


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
async def test_hidden_context_reaches_the_model() -> None:
    """Hidden context may be any JSON; the SDK's own converter rejects what is not text."""
    hidden = HiddenContextItem(
        id="h", thread_id="t", created_at=datetime.now(), content={"plan": "pro"}
    )
    assert '"plan": "pro"' in str(await ItemConverter().to_agent_input([hidden]))


def test_quotes_and_mentions_reach_the_model(
    backend: Backend, model: Model, titled_thread: str
) -> None:
    """The model gets the text that the user refers to, and the data behind an @-mention."""
    mention = {"type": "input_tag", "id": "42", "text": "Ada", "data": {"role": "admin"}}
    content = [{"type": "input_text", "text": "Who is "}, mention]
    asked = {**message("x"), "content": content, "quoted_text": "the first programmer"}
    backend.client().stream("threads.add_user_message", thread_id=titled_thread, input=asked)
    sent = str(model.last_request.body)
    assert "Who is @Ada" in sent.replace("', 'text': '", "")
    assert "the first programmer" in sent
    assert '"role": "admin"' in sent
