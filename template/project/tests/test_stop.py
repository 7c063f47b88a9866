"""An answer that ends early: the user presses stop, or the process is asked to end."""

import httpx
import pytest

from tests.backend import Backend, StartBackend, is_answer, item_text, message


def test_partial_answer_is_kept(backend: Backend, long_message: str) -> None:
    """What the user has seen of a stopped answer is stored, and the next turn works."""
    client = backend.client()
    seen: list[str] = []
    with client.streaming("threads.create", input=message(long_message)) as events:
        thread_id = next(events)["thread"]["id"]
        while len(seen) < 3:
            seen += filter(None, [next(events).get("update", {}).get("delta")])
    # A thread's turns wait for one another, so this one begins when the other has ended.
    following = client.say(thread_id, "next")
    items = client.items(thread_id)
    assert [item["type"] for item in items] == ["user_message", "assistant_message"] * 2
    assert item_text(items[1]).startswith("".join(seen))
    assert len(item_text(items[1])) < len(long_message)
    assert items[2:] == following.items


def test_stop_is_logged(start_backend: StartBackend, long_message: str) -> None:
    """The log marks a stopped answer, and contains none of its text."""
    backend = start_backend()
    with backend.client().streaming("threads.create", input=message(long_message)) as events:
        next(events)
    entry = backend.next_log("request")
    assert (entry["operation"], entry["stopped"]) == ("threads.create", True)
    backend.client().call("threads.list")
    entry = backend.next_log("request")
    assert (entry["operation"], entry["status"]) == ("threads.list", 200)
    assert {"request_id", "user", "duration_ms"} <= entry.keys()
    assert "stopped" not in entry
    assert long_message not in str(backend.log)


def test_client_that_leaves_the_queue_leaves_no_trace(
    start_backend: StartBackend, long_message: str
) -> None:
    """A message whose sender gives up before its turn has begun is not stored."""
    backend = start_backend()
    client = backend.client()
    with client.streaming("threads.create", input=message(long_message)) as events:
        thread_id = next(events)["thread"]["id"]
        while next(events)["type"] != "thread.item.updated":
            pass
        with pytest.raises(httpx.ReadTimeout):
            backend.client(timeout=0.2).say(thread_id, "never mind")
        entry = backend.next_log("request")
        assert (entry["status"], entry["stopped"]) == (499, True)
    following = client.say(thread_id, "next")
    asked, *rest = client.items(thread_id)
    assert item_text(asked) == long_message
    assert [item_text(item) for item in rest if not is_answer(item)] == ["next"]
    assert rest[-2:] == following.items


def test_running_answer_is_finished_at_shutdown(
    start_backend: StartBackend, long_message: str
) -> None:
    """SIGTERM lets an answer come to its end."""
    backend = start_backend(SHUTDOWN_GRACE="30")
    with backend.client().streaming("threads.create", input=message(long_message)) as events:
        next(events)
        backend.terminate()
        last = list(events)
    done = [event["item"] for event in last if event["type"] == "thread.item.done"]
    assert len(item_text(done[-1])) >= len(long_message.rstrip())
    assert is_answer(done[-1])
    backend.process.wait(timeout=30)
