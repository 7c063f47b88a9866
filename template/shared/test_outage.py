"""The store is unavailable for a while, and comes back while the backend runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.backend import StartBackend, item_text, message

Outage = Callable[[], AbstractContextManager[None]]


def test_requests_are_refused_until_the_store_is_back(
    start_backend: StartBackend, outage: Outage
) -> None:
    """Readiness and requests are a 503 with a reason, and work again without a restart."""
    client = start_backend().client()
    answer = client.create_thread("Hi")
    with outage():
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["reason"]
        assert client.get("/health").status_code == 200
        for refused in (
            client.post("threads.create", input=message("Hi")),
            client.post("threads.update", thread_id=answer.thread_id, title="New"),
        ):
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "store_unavailable"
            assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/ready").status_code == 200
    [thread] = client.call("threads.list")["data"]
    assert thread["id"] == answer.thread_id
    assert thread["title"] != "New"
    following = client.say(answer.thread_id, "Hi again")
    assert client.items(answer.thread_id) == answer.items + following.items


def test_outage_between_two_requests_is_not_noticed(
    start_backend: StartBackend, outage: Outage
) -> None:
    """Broken connections are replaced without a failed request."""
    client = start_backend().client()
    answer = client.create_thread("Hi")
    with outage():
        pass
    assert client.say(answer.thread_id, "Hi again").text


def test_answer_that_cannot_be_stored_ends_with_an_error(
    start_backend: StartBackend, outage: Outage, long_message: str
) -> None:
    """An outage during an answer ends its stream with an error, and the thread goes on."""
    client = start_backend().client()
    with client.streaming("threads.create", input=message(long_message)) as events:
        thread_id = next(events)["thread"]["id"]
        while next(events)["type"] != "thread.item.updated":
            pass
        with outage():
            *_, last = events
    assert (last["type"], last["allow_retry"]) == ("error", True)
    asked, *rest = client.items(thread_id)
    assert item_text(asked) == long_message
    following = client.say(thread_id, "next")
    assert client.items(thread_id) == [asked, *rest, *following.items]
