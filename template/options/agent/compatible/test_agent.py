"""What the Chat Completions API has that others have not, over several turns."""

from typing import Any

from tests.backend import Backend, is_answer
from tests.services.agent import Model


def test_chat_completions_are_used(backend: Backend, model: Model) -> None:
    """Answers and titles come from `/chat/completions`."""
    backend.client().create_thread("Hi")
    assert {record.path.partition("/v1")[2] for record in model.requests} == {"/chat/completions"}


def test_two_users_take_six_turns(backend: Backend, model: Model) -> None:
    """Each thread has its own answers, in order, and the model is given all of them."""
    clients = [backend.client("alice"), backend.client("bob")]
    threads = [client.create_thread("Hello").thread_id for client in clients]
    for turn in range(1, 6):
        for user, (client, thread_id) in enumerate(zip(clients, threads, strict=True)):
            model.reset().reply(f"Answer {turn} for user {user}.")
            answer = client.say(thread_id, f"Question {turn}")
            assert answer.text == f"Answer {turn} for user {user}."
            said = [m["content"] for m in messages(model) if m["role"] == "assistant"]
            assert said[1:] == [f"Answer {number} for user {user}." for number in range(1, turn)]
    for client, thread_id in zip(clients, threads, strict=True):
        items = client.items(thread_id)
        assert [is_answer(item) for item in items] == [False, True] * 6
        assert len({item["id"] for item in items}) == 12


def messages(model: Model) -> list[dict[str, Any]]:
    """Return what the model was sent last."""
    sent: list[dict[str, Any]] = model.last_request.body["messages"]
    return sent
