"""What the Responses API has that others have not."""

from tests.backend import Backend, StartBackend
from tests.services.agent import Model


def test_responses_api_is_used(backend: Backend, model: Model) -> None:
    """Answers and titles come from `/responses`."""
    backend.client().create_thread("Hi")
    assert {record.path.rpartition("/")[2] for record in model.requests} == {"responses"}


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
