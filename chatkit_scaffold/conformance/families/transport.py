"""HTTP: one URL, the correct media types, valid framing, and events sent without delay."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import (
    fail,
    require,
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures import first_turn, probe
from chatkit_scaffold.conformance.fixtures_streams import parallel_turns
from chatkit_scaffold.conformance.front import in_front
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange, Failure

_MIN_DELTAS = 3
"""Fewer deltas do not show whether they were held back."""
_MIN_SECONDS = 0.3
"""A faster answer does not show whether it was held back."""
_ENDLESS = (
    "Let the response to threads.list end, and be short; if the server is only slow, raise "
    "--timeout."
)
_PROCESS_STREAMING = "chatkit/server.py ChatKitServer._process_streaming"


@check(
    "transport-reachable",
    level=Level.MUST,
    source="chatkit-js api.url: one address for all requests",
    fix="Check the URL, and mount the ChatKit route at exactly this path, for POST.",
    judges_errors=True,
)
async def reachable(target: Target) -> None:
    """The ChatKit route responds to a POST to the URL, without a redirect."""
    response = await probe(target)
    expected = "a response from the ChatKit route (200 and JSON)"
    if front := in_front(response):
        fail(response, expected, front.description, fix=front.fix)
    require(response.status not in (0, 404, 405, 501), response, expected)
    complete = response.failure not in (Failure.STALLED, Failure.TOO_LARGE)
    require(complete, response, "a response that ends", fix=_ENDLESS)


@check(
    "transport-json-type",
    level=Level.SHOULD,
    source="RFC 9110 section 8.3 Content-Type",
    fix='Return `Response(result.json, media_type="application/json")`.',
    needs={"transport-reachable"},
)
async def json_type(target: Target) -> None:
    """A response that is not a stream has the content type `application/json`."""
    response = await probe(target)
    if response.json is None:
        require_no_server_error(response)
        untestable("threads.list does not return JSON")
    media_type = response.content_type
    is_json = media_type == "application/json" or media_type.endswith("+json")
    require(is_json, response, "Content-Type: application/json", _header(response, "Content-Type"))


@check(
    "transport-event-stream-type",
    level=Level.MUST,
    source="WHATWG HTML 9.2 Server-sent events; " + _PROCESS_STREAMING,
    fix="Pass the body to `ChatKitServer.process`, and return `StreamingResponse(result, "
    'media_type="text/event-stream")` for a StreamingResult.',
    needs={"transport-reachable"},
)
async def event_stream_type(target: Target) -> None:
    """A streaming operation returns the content type `text/event-stream`."""
    _, turn = await first_turn(target)
    require_no_server_error(turn)
    streams = turn.ok or (turn.is_success and turn.events)
    require(streams, turn, "200 with Content-Type: text/event-stream")
    is_event_stream = turn.content_type == "text/event-stream"
    require(is_event_stream, turn, "Content-Type: text/event-stream")


@check(
    "transport-event-framing",
    level=Level.MUST,
    source=_PROCESS_STREAMING,
    fix="Send the bytes of the SDK's StreamingResult unchanged: do not add `data:` or encode them "
    "again.",
    needs={"transport-reachable"},
)
async def event_framing(target: Target) -> None:
    """Each event is a line `data: {json}` and a blank line."""
    _, turn = await first_turn(target)
    if not turn.events and not turn.framing_errors:
        require_no_server_error(turn)
        untestable("threads.create does not return events")
    expected = "events framed as `data: {json}` and a blank line"
    for error in turn.framing_errors[:1]:
        fail(turn, expected, error)


@check(
    "transport-events-unnamed",
    level=Level.SHOULD,
    source="WHATWG HTML 9.2.6: an EventSource dispatches an event with a name only to listeners of "
    "that name; " + _PROCESS_STREAMING,
    fix="Leave out the `event:` lines: a ChatKit event has its type in its data.",
    needs={"transport-reachable"},
)
async def events_unnamed(target: Target) -> None:
    """Events have no `event:` line, so that clients that listen to unnamed events get them."""
    _, turn = await first_turn(target)
    if not turn.events:
        require_no_server_error(turn)
        untestable("threads.create does not return events")
    for name in turn.event_names[:1]:
        fail(turn, "only `data:` lines", f"event: {name}")


@check(
    "transport-event-types",
    level=Level.MUST,
    source="chatkit/types.py ThreadStreamEvent",
    fix="Send ChatKit's own events; convert those of your model's API with "
    "`chatkit.agents.stream_agent_response`.",
    needs={"transport-reachable"},
)
async def event_types(target: Target) -> None:
    """Streams consist of ChatKit's own events, which all have a `type`."""
    _, turn = await first_turn(target)
    if not turn.events:
        require_no_server_error(turn)
        untestable("threads.create does not return events")
    expected = 'objects such as {"type": "thread.item.done", "item": {…}}'
    for event in turn.events:
        require(event.type, turn, expected, f"an event without a type: {event.data}")
    types = {event.type for event in turn.events}
    known = {name for name in types if name.startswith(("thread.", "error", "notice"))}
    require(known, turn, expected)


@check(
    "transport-streams-as-made",
    level=Level.SHOULD,
    source=_PROCESS_STREAMING,
    fix="Do not collect the events: pass the async iterator to StreamingResponse, and turn off "
    "compression and proxy buffering for this route.",
    needs={"transport-event-stream-type"},
)
async def streams_as_made(target: Target) -> None:
    """Events are sent as soon as they exist, not all at the end."""
    turn = (await parallel_turns(target)).turns[0]
    if len(turn.deltas) < _MIN_DELTAS:
        skip("answers have too few text deltas")
    first, last = turn.events[0].elapsed, turn.events[-1].elapsed
    if turn.seconds < _MIN_SECONDS:
        skip("the answer was too fast to measure")
    require(
        last - first > 0.2 * turn.seconds,
        turn,
        "the first event soon after the request, the others as the answer grows",
        f"all {len(turn.events)} events between {first:.2f} s and {last:.2f} s",
    )


@check(
    "transport-not-cached",
    level=Level.SHOULD,
    source="RFC 9111 section 5.2.2; WHATWG HTML 9.2 Server-sent events, authoring notes",
    fix="Send `Cache-Control: no-cache` (or no-store) with every stream.",
    needs={"transport-event-stream-type"},
)
async def not_cached(target: Target) -> None:
    """A stream has the header `Cache-Control: no-cache` or `no-store`."""
    _, turn = await first_turn(target)
    value = turn.headers.get("cache-control", "").lower()
    is_uncached = "no-cache" in value or "no-store" in value
    require(is_uncached, turn, "Cache-Control: no-cache", _header(turn, "Cache-Control"))


@check(
    "transport-not-buffered",
    level=Level.SHOULD,
    source="nginx ngx_http_proxy_module, proxy_buffering",
    fix="Send `X-Accel-Buffering: no` with every stream.",
    needs={"transport-event-stream-type"},
)
async def not_buffered(target: Target) -> None:
    """A stream has the header `X-Accel-Buffering: no`, so that nginx does not buffer it."""
    _, turn = await first_turn(target)
    is_unbuffered = turn.headers.get("x-accel-buffering", "").strip().lower() == "no"
    require(is_unbuffered, turn, "X-Accel-Buffering: no", _header(turn, "X-Accel-Buffering"))


@check(
    "transport-post-only",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.6 (405 Method Not Allowed)",
    fix="Register the route for POST only, so that other methods return 405.",
    needs={"transport-reachable"},
    judges_errors=True,
)
async def post_only(target: Target) -> None:
    """A GET request returns 405, 404 or a web page; it never runs an operation."""
    response = await target.user.send_raw(b"", method="GET")
    runs = response.ok and response.content_type in ("application/json", "text/event-stream")
    crashes = not response.status or response.is_server_error
    require(not (runs or crashes), response, "405 Method Not Allowed")


def _header(response: Exchange, name: str) -> str:
    value = response.headers.get(name.lower())
    return f"{name}: {value}" if value else f"no {name} header"
