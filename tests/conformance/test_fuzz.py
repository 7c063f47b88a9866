"""Random and mutated responses neither crash the checks nor hang them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatkit_scaffold.conformance.formats import Format, render
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.event_stream import EventParser
from chatkit_scaffold.text import shorten
from tests.conformance.servers.correct import Fault, build, headers_for
from tests.conformance.servers.middleware import change_events, change_responses
from tests.conformance.servers.serving import App, Message, Receive, Send, serve

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\x00", "\x1b[2J", "thr_1", "user_message"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "data", "items", "item", "thread", "content", "text", "has_more"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 40), JSON), min_size=1, max_size=4)
SLOWLY = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


class Replaceable:
    """An application that passes requests on to another one, which tests replace."""

    def __init__(self) -> None:
        self.app: App = build()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on to the current application."""
        await self.app(scope, receive, send)


def raw(status: int, media_type: bytes, body: bytes) -> App:
    """Return an application that sends the same response to every request."""

    async def app(_: Message, __: Receive, send: Send) -> None:
        headers = [(b"content-type", media_type)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.fixture(scope="module")
def replaceable() -> Iterator[tuple[str, Replaceable]]:
    """A server whose application a test can replace, and its URL."""
    server = Replaceable()
    with serve(server) as url:
        yield url, server


def check(url: str, timeout: float = 1.0) -> None:
    """Run all checks and render the report; accept any verdict but a bug in a check."""
    try:
        report = run_checks(
            url,
            headers=headers_for("first"),
            other_headers=headers_for("second"),
            timeout=timeout,
        )
    except ScaffoldError:
        return
    assert report.errors == []
    for form in Format:
        assert render(report, form).encode()


@SLOWLY
@given(
    status=st.sampled_from([200, 204, 206, 301, 400, 404, 418, 500, 503]),
    media_type=st.sampled_from([b"application/json", b"text/event-stream", b"text/html", b"\xff"]),
    body=st.binary(max_size=300)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(JSON, max_size=6).map(
        lambda values: b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in values)
    ),
)
def test_any_response_gets_a_verdict(
    replaceable: tuple[str, Replaceable], status: int, media_type: bytes, body: bytes
) -> None:
    """A server may send any response."""
    url, server = replaceable
    server.app = raw(status, media_type, body)
    check(url)


@pytest.fixture(scope="module")
def mutating() -> Iterator[tuple[str, dict[str, Any]]]:
    """The URL of a correct server, and the mutations to apply to its responses."""
    chosen: dict[str, Any] = {"mutations": []}

    def mutate(value: Any) -> Any:
        for place, put in chosen["mutations"]:
            value = replaced(value, place, put)
        return value

    def mutating_middleware(app: App) -> App:
        def change(_: Any, response: Any) -> None:
            response.body = mutate(response.body)

        return change_responses(change)(change_events(lambda event: [mutate(event)])(app))

    fault = Fault(middleware=mutating_middleware, settings={"echo_delay": 0.0})
    with serve(build(fault)) as url:
        yield url, chosen


@SLOWLY
@given(mutations=MUTATIONS)
def test_mutated_responses_get_a_verdict(
    mutating: tuple[str, dict[str, Any]], mutations: list[tuple[int, Any]]
) -> None:
    """Any value in a response may be replaced by any other."""
    url, chosen = mutating
    chosen["mutations"] = mutations
    check(url, timeout=0.5)


def replaced(value: Any, place: int, put: Any) -> Any:
    """Return JSON with one value replaced.

    Args:
        value: The JSON.
        place: The index of the value to replace, counted depth first.
        put: The new value.
    """
    remaining = [place]

    def walk(found: Any) -> Any:
        remaining[0] -= 1
        if remaining[0] == -1:
            return put
        if isinstance(found, dict):
            return {key: walk(one) for key, one in found.items()}
        if isinstance(found, list):
            return [walk(one) for one in found]
        return found

    return walk(value)


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_parser_accepts_any_bytes(chunks: list[bytes]) -> None:
    """Any chunks result in events and readable framing errors, never in an exception."""
    parser = EventParser()
    found = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
    assert all(isinstance(event, dict) for event in found)
    assert all(error.isprintable() for error in parser.framing_errors)


@given(st.lists(JSON.map(lambda value: {"type": "x", "value": value}), max_size=5), st.data())
def test_parser_accepts_any_chunks(sent: list[Any], data: st.DataObject) -> None:
    """The events are the same wherever the network splits the body, without framing errors."""
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    parser = EventParser()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        found += parser.feed(body[start:end])
    assert found + parser.close() == sent
    assert parser.framing_errors == []


@given(st.text())
def test_shortened_text_fits_any_terminal(text: str) -> None:
    """Shortened text has no control character, line break or lone surrogate."""
    assert shorten(text).isprintable()
