"""The agent against a server that speaks the API of a model."""

import pytest
from chatkit.errors import CustomStreamError
from structlog.testing import capture_logs

from app.base import ChatStore
from tests.backend import Backend, StartBackend, is_answer, message
from tests.scripted_model import ALICE, run_agent
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


def test_two_users_talk_for_six_turns(backend: Backend, model: Model) -> None:
    """Each thread contains only its own answers, and the model gets all of them, and no others."""
    clients = {user: backend.client(user) for user in ("alice", "bob")}
    threads = {user: client.create_thread("Hello").thread_id for user, client in clients.items()}
    for number in range(1, 6):
        for user, client in clients.items():
            model.reset().reply(f"Answer {number} for {user}")
            answer = client.say(threads[user], f"Question {number} of {user}")
            assert answer.text == f"Answer {number} for {user}"
            said = [entry["content"] for entry in model.last_request.body["messages"][3:]]
            expected = [f"Question 1 of {user}"]
            for earlier in range(1, number):
                expected += [f"Answer {earlier} for {user}", f"Question {earlier + 1} of {user}"]
            assert said == expected
    for user, client in clients.items():
        ids = [item["id"] for item in client.items(threads[user])]
        assert len(set(ids)) == len(ids) == 12


def test_title_is_the_models(backend: Backend, model: Model) -> None:
    """A new thread is named by the model, in its first turn."""
    model.reply("A talk about tea", times=None)
    client = backend.client()
    answer = client.create_thread("I like tea")
    assert answer.of_type("thread.updated")[-1]["thread"]["title"] == "A talk about tea"
    assert client.call("threads.get_by_id", thread_id=answer.thread_id)["title"]


def test_tags_and_quoted_text_reach_the_model(
    backend: Backend, model: Model, titled_thread: str
) -> None:
    """The model gets whom the user mentions, and what the message is about."""
    said = message("Write to ")
    data = {"role": "admin"}
    tag = {"type": "input_tag", "id": "42", "text": "Ada", "data": data, "interactive": False}
    said |= {"content": [*said["content"], tag], "quoted_text": "the second paragraph"}
    client = backend.client()
    client.stream("threads.add_user_message", thread_id=titled_thread, input=said)
    sent = model.last_request.body["messages"][-1]["content"]
    assert sent.startswith("Write to @Ada")
    assert '"role": "admin"' in sent
    assert sent.endswith("the second paragraph")


def test_refused_request_is_not_retried(backend: Backend, model: Model) -> None:
    """A wrong key is an error event without retry."""
    model.fail(401, times=None)
    error = backend.client().create_thread("Hi").of_type("error")[0]
    assert error["allow_retry"] is False
    assert "401" not in error["message"]


@pytest.mark.anyio
async def test_wrong_model_is_readable_in_the_log(store: ChatStore, model: Model) -> None:
    """The log has the provider's code and its sentence, with no key; the user sees neither."""
    sentence = (
        "The model `gpt-none` does not exist, or sk-local and sk-proj-Ab12***9z cannot use it."
    )
    model.fail(404, code="model_not_found", message=sentence, times=None)
    with capture_logs() as log, pytest.raises(CustomStreamError) as raised:
        await run_agent(store, model)
    assert not raised.value.allow_retry
    assert "gpt-none" not in raised.value.message
    [entry] = log
    assert (entry["event"], entry["request_id"]) == ("model failed", ALICE.request_id)
    assert (entry["status"], entry["code"]) == (404, "model_not_found")
    expected = "The model `gpt-none` does not exist, or [key] and [key] cannot use it."
    assert entry["reason"] == expected


@pytest.mark.anyio
async def test_unreachable_model_is_readable_in_the_log(store: ChatStore, model: Model) -> None:
    """A wrong OPENAI_BASE_URL shows up as what the network said."""
    with capture_logs() as log, pytest.raises(CustomStreamError) as raised:
        await run_agent(store, model, openai_base_url="http://127.0.0.1:1/v1")
    assert raised.value.allow_retry
    [entry] = log
    assert entry["error"] == "APIConnectionError"
    assert "failed" in entry["reason"]


@pytest.mark.parametrize("end", ["disconnect", "truncate"])
def test_broken_stream_can_be_retried(
    backend: Backend, model: Model, titled_thread: str, end: str
) -> None:
    """A model that stops in the middle is an error event that offers a retry."""
    client = backend.client()
    model.reply("Half of the answer, and the other half", times=None)
    getattr(model, end)(after_chunks=3)
    answer = client.say(titled_thread, "Tell me more")
    assert answer.of_type("error")[0]["allow_retry"] is True
    assert answer.text == "".join(answer.deltas) != ""
    assert client.items(titled_thread)[-1] == answer.items[-1]
    user_message = next(item for item in answer.items if item["type"] == "user_message")
    again = client.stream(
        "threads.retry_after_item", thread_id=titled_thread, item_id=user_message["id"]
    )
    assert again.text == "Half of the answer, and the other half"


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
