"""An answer that ends early: the user presses stop, or the process is asked to end."""

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
    entry = backend.next_log("request", operation="threads.create")
    assert entry["stopped"] is True
    backend.client().call("threads.list")
    entry = backend.next_log("request", operation="threads.list")
    assert entry["status"] == 200
    assert {"request_id", "user", "duration_ms"} <= entry.keys()
    assert "stopped" not in entry
    assert long_message not in str(backend.log)


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
