"""What ChatKit's client relies on, against a running backend."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.backend import Backend, Event, is_answer, item_text, message

UNKNOWN_THREAD = "thr_00000000000000000000000000000000"


def test_first_message_creates_a_thread(backend: Backend) -> None:
    """The events come in the order that the client understands."""
    answer = backend.client().create_thread("Hello there")
    types = answer.types
    assert types[:4] == [
        "thread.created",
        "thread.item.done",
        "stream_options",
        "thread.item.added",
    ]
    assert types.count("thread.item.done") == 2
    assert "thread.updated" in types
    assert "error" not in types
    assert "".join(answer.deltas) == answer.text


def test_stream_is_read_back(backend: Backend) -> None:
    """What was streamed is what is stored, over several turns."""
    client = backend.client()
    answer = client.create_thread("one")
    items = list(answer.items)
    for text in ("two", "three", "four", "five"):
        items += client.say(answer.thread_id, text).items
    assert client.items(answer.thread_id) == items
    thread = client.call("threads.get_by_id", thread_id=answer.thread_id)
    assert thread["items"]["data"] == items
    assert thread["title"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_items_are_paged(backend: Backend, order: str, limit: int) -> None:
    """Page by page, nothing is missing and nothing comes twice."""
    client = backend.client()
    thread_id = client.create_thread("one").thread_id
    client.say(thread_id, "two")
    expected = client.items(thread_id)[:: 1 if order == "asc" else -1]
    found: list[Event] = []
    after, more = None, True
    while more and len(found) <= len(expected):
        page = client.call("items.list", thread_id=thread_id, order=order, limit=limit, after=after)
        found += page["data"]
        after, more = page.get("after"), page["has_more"]
    assert found == expected


def test_newest_thread_is_listed_first(backend: Backend) -> None:
    """The list begins with the thread that was created last."""
    client = backend.client()
    ids = [client.create_thread(text).thread_id for text in ("older", "newer")]
    page = client.call("threads.list", limit=9999)
    assert [thread["id"] for thread in page["data"][:2]] == ids[::-1]


def test_rename(backend: Backend) -> None:
    """A new title is kept."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    client.call("threads.update", thread_id=thread_id, title="Renamed ✏️")
    client.say(thread_id, "more")
    assert client.call("threads.get_by_id", thread_id=thread_id)["title"] == "Renamed ✏️"


def test_delete(backend: Backend) -> None:
    """A deleted thread is gone, with its items."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    client.call("threads.delete", thread_id=thread_id)
    for operation in ("threads.get_by_id", "items.list", "threads.delete"):
        assert client.post(operation, thread_id=thread_id).status_code == 404


def test_retry_replaces_the_answer(backend: Backend) -> None:
    """Everything after the message is replaced by one new answer."""
    client = backend.client()
    first = client.create_thread("one")
    second = client.say(first.thread_id, "two").items
    retried = client.stream(
        "threads.retry_after_item", thread_id=first.thread_id, item_id=second[0]["id"]
    )
    items = client.items(first.thread_id)
    assert items == [*first.items, second[0], *retried.items]
    assert items[-1]["id"] != second[-1]["id"]


def test_feedback_is_accepted_for_ones_own_items_only(backend: Backend) -> None:
    """Feedback on an unknown item is a 404."""
    client = backend.client()
    answer = client.create_thread("Hi")
    params = {"thread_id": answer.thread_id, "kind": "positive"}
    assert client.call("items.feedback", item_ids=[answer.items[-1]["id"]], **params) == {}
    assert client.post("items.feedback", item_ids=["msg_unknown"], **params).status_code == 404


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("threads.get_by_id", {}),
        ("threads.update", {"title": "x"}),
        ("threads.delete", {}),
        ("items.list", {}),
        ("items.feedback", {"item_ids": ["x"], "kind": "positive"}),
        ("threads.add_user_message", {"input": message("Hi")}),
        ("threads.retry_after_item", {"item_id": "x"}),
        ("threads.add_client_tool_output", {"result": 1}),
        ("threads.add_structured_input", {"item_id": "x", "input": {}}),
    ],
)
@pytest.mark.parametrize("thread_id", [UNKNOWN_THREAD, "", "a\x00b", "x" * 5000])
def test_unknown_thread_is_404(
    backend: Backend, operation: str, params: dict[str, object], thread_id: str
) -> None:
    """A thread that does not exist is the same JSON everywhere, streaming or not."""
    response = backend.client().post(operation, thread_id=thread_id, **params)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"type":',
        b"\xff\xfe",
        b'{"type": "messages.create", "params": {}}',
        b'{"type": "threads.get_by_id"}',
        b'{"type": "threads.get_by_id", "params": {"thread_id": 7}}',
        b'{"type": "threads.list", "params": {"limit": "many"}}',
        b'{"type": "threads.list", "params": {"order": "sideways"}}',
        b'{"type": "threads.get_by_id", "params": {"thread_id": "\\ud800"}}',
        b"[" * 100_000,
    ],
    ids=lambda body: body[:40].decode("ascii", "replace"),
)
def test_malformed_request_is_400(backend: Backend, body: bytes) -> None:
    """A body that is not a request is rejected, and the error shows nothing internal."""
    response = backend.client().post_raw(body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    assert "Traceback" not in error["message"]
    assert "pydantic" not in error["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"type": "messages.create", "params": {}}', "There is no operation 'messages.create'."),
        (b'{"type": 7, "params": {}}', "There is no operation '7'."),
        (b'{"type": "%b"}' % (b"x" * 5000), f"There is no operation '{'x' * 50}'."),
        (b'{"params": {}}', "The request has no type."),
    ],
    ids=["unknown", "number", "long", "none"],
)
def test_unknown_operation_is_one_short_sentence(
    backend: Backend, body: bytes, message: str
) -> None:
    """The error names what was sent, and does not list what could have been."""
    assert backend.client().post_raw(body).json()["error"]["message"] == message


def test_known_operation_names_the_wrong_field(backend: Backend) -> None:
    """A type that only a part of the request has is not taken for the operation's."""
    part = {**message("Hi"), "content": [{"type": "threads.creates"}]}
    response = backend.client().post("threads.create", input=part)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("threads.create.params.input.content.0: ")


@pytest.mark.parametrize("limit", [0, -1, 10**30])
def test_odd_limits_are_answered(backend: Backend, limit: int) -> None:
    """A limit out of range counts as the nearest valid one."""
    assert backend.client().post("threads.list", limit=limit).status_code == 200


def test_unknown_fields_are_tolerated(backend: Backend) -> None:
    """A newer client may send more than this server knows."""
    body = {"type": "threads.list", "params": {"new": 1}, "metadata": {"user_id": "bob"}, "x": 2}
    assert backend.client().post_raw(json.dumps(body).encode()).status_code == 200


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("attachments.create", {"name": "a", "size": 1, "mime_type": "text/plain"}),
        ("attachments.delete", {"attachment_id": "atc_1"}),
        ("input.transcribe", {"audio_base64": "", "mime_type": "audio/webm"}),
    ],
)
def test_what_is_not_offered_is_declined(
    backend: Backend, operation: str, params: dict[str, object]
) -> None:
    """An operation that this server does not offer returns a 400 with that reason."""
    response = backend.client().post(operation, **params)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "not_supported")


def test_tool_output_that_nobody_waits_for_is_refused(backend: Backend) -> None:
    """Without a pending client tool call there is nothing to answer."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    response = client.post("threads.add_client_tool_output", thread_id=thread_id, result={})
    assert response.status_code == 409


def test_unknown_attachment_leaves_no_thread(backend: Backend) -> None:
    """A first message that cannot be stored creates nothing."""
    client = backend.client()
    before = client.call("threads.list", limit=9999)["data"]
    attached = {**message("Hi"), "attachments": ["atc_unknown"]}
    assert client.post("threads.create", input=attached).status_code == 404
    assert client.call("threads.list", limit=9999)["data"] == before


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧 família", "a\x00b\x07c", "<script>&amp;", "\\ \" '", "a\r\nb\u2028c", " \t "]
)
def test_text_is_kept_exactly(backend: Backend, text: str) -> None:
    """A message is stored as it was sent."""
    client = backend.client()
    answer = client.create_thread(text)
    assert item_text(answer.items[0]) == text
    assert item_text(client.items(answer.thread_id)[0]) == text


def test_two_messages_at_once(backend: Backend) -> None:
    """Both are stored and both are answered, one after the other."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id
    with ThreadPoolExecutor() as pool:
        answers = list(
            pool.map(lambda text: backend.client().say(thread_id, text), ["left", "right"])
        )
    assert all(answer.text for answer in answers)
    assert [item["type"] for item in client.items(thread_id)] == [
        "user_message",
        "assistant_message",
    ] * 3


def test_other_requests_are_answered_meanwhile(backend: Backend) -> None:
    """A running answer blocks no other request."""
    client = backend.client()
    with client.streaming("threads.create", input=message("word " * 50)) as events:
        thread_id = next(events)["thread"]["id"]
        listed = backend.client().call("threads.list")["data"]
        assert thread_id in [thread["id"] for thread in listed]
        assert not any(is_answer(event.get("item", {"type": ""})) for event in [next(events)])


def test_too_large_body_is_413(backend: Backend) -> None:
    """A body of more than MAX_BODY_BYTES is refused, with CORS headers."""
    response = backend.client().post_raw(b" " * 4_000_001, Origin="http://localhost:3000")
    assert response.status_code == 413
    assert response.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_errors_have_cors_headers(backend: Backend) -> None:
    """A page can read what went wrong."""
    response = backend.client().post_raw(b"{}", Origin="http://localhost:5173")
    assert response.status_code == 400
    assert response.headers["access-control-allow-origin"] == "http://localhost:5173"


def test_pages_may_send_credentials(backend: Backend) -> None:
    """A preflight allows ChatKit's own headers and those that sign a user in."""
    names = {
        "content-type",
        "chatkit-frame-instance-id",
        *map(str.lower, backend.headers_for("alice")),
    }
    preflight = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(sorted(names)),
    }
    response = httpx.options(backend.url, headers=preflight, trust_env=False)
    assert response.status_code == 200
    assert names <= set(response.headers["access-control-allow-headers"].split(", "))


def test_other_sites_are_refused(backend: Backend) -> None:
    """A page that is not in CORS_ORIGINS can neither read nor write."""
    response = backend.client().post_raw(b"{}", Origin="https://evil.example")
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
