"""What was acknowledged is still there after a restart."""

from tests.backend import StartBackend, item_text, message


def test_threads_survive_a_crash(start_backend: StartBackend) -> None:
    """After `kill -9` and a restart every thread and item is there, and the thread goes on."""
    backend = start_backend()
    client = backend.client()
    answer = client.create_thread("one")
    items = answer.items + client.say(answer.thread_id, "two").items
    client.call("threads.update", thread_id=answer.thread_id, title="Kept")
    backend.kill()
    client = start_backend().client()
    assert client.items(answer.thread_id) == items
    assert client.call("threads.get_by_id", thread_id=answer.thread_id)["title"] == "Kept"
    assert client.say(answer.thread_id, "three").text


def test_message_survives_a_crash_in_its_answer(
    start_backend: StartBackend, long_message: str
) -> None:
    """The user's message is stored before the answer begins."""
    backend = start_backend()
    with backend.client().streaming("threads.create", input=message(long_message)) as events:
        thread_id = next(events)["thread"]["id"]
        while next(events)["type"] != "thread.item.updated":
            pass
        backend.kill()
    items = start_backend().client().items(thread_id)
    assert item_text(items[0]) == long_message


def test_partial_answer_is_kept_when_the_grace_period_is_over(
    start_backend: StartBackend, long_message: str
) -> None:
    """An answer that SIGTERM cuts off is stored as far as it came."""
    backend = start_backend(SHUTDOWN_GRACE="0")
    seen = ""
    with backend.client().streaming("threads.create", input=message(long_message)) as events:
        thread_id = next(events)["thread"]["id"]
        while not seen:
            seen = next(events).get("update", {}).get("delta", "")
        backend.terminate()
        backend.process.wait(timeout=30)
    answer = start_backend().client().items(thread_id)[1]
    assert item_text(answer).startswith(seen)
