"""The tool that the page carries out."""

from tests.backend import Backend
from tests.services.agent import Model


def test_page_answers(backend: Backend, model: Model, titled_thread: str) -> None:
    """The turn ends with the call; the next one begins with the page's result."""
    client = backend.client()
    ids = []
    for day in ("Monday", "Tuesday"):
        model.reset().call_tool("get_local_time")
        call = client.say(titled_thread, "Which day is it?").items[-1]
        assert (call["type"], call["name"]) == ("client_tool_call", "get_local_time")
        assert (call["arguments"], call["status"]) == ({}, "pending")
        assert len(model.requests) == 1
        ids.append(call["id"])
        model.reply(f"It is {day}.")
        answer = client.stream(
            "threads.add_client_tool_output", thread_id=titled_thread, result={"time": day}
        )
        assert answer.text == f"It is {day}."
        assert day in str(model.last_request.body)
    # A call that takes the id of another would replace it.
    stored = [item for item in client.items(titled_thread) if item["type"] == "client_tool_call"]
    assert [item["id"] for item in stored] == ids
    assert [item["output"]["time"] for item in stored] == ["Monday", "Tuesday"]
