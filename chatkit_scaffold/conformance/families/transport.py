"""HTTP: one URL, the right media types, events framed as events and sent as they are made."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip, untestable
from chatkit_scaffold.conformance.fixtures import opening, parallel, probe
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

_SEVERAL = 3
"""Pieces of text that a stream must have to be one."""
_TELLING = 0.3
"""Seconds below which an answer is too quick to tell whether it was held back."""
_PROCESS_STREAMING = "chatkit/server.py ChatKitServer._process_streaming (openai-chatkit 1.6.5)"


@check(
    "transport-reachable",
    level=Level.MUST,
    source="chatkit-js api.url: one address for all requests",
    fix="Mount the ChatKit route at exactly this URL, for POST, with no redirect in between.",
)
async def reachable(target: Target) -> None:
    """A POST to the URL is answered by the ChatKit route, with no redirect."""
    answer = await probe(target)
    expected = "an answer from the ChatKit route (200 and JSON)"
    require(not answer.is_redirect, answer, expected, _redirect(answer))
    require(answer.status not in (0, 404, 405, 501, 502, 503, 504), answer, expected)


@check(
    "transport-json-type",
    level=Level.SHOULD,
    source="RFC 9110 section 8.3 Content-Type",
    fix='Answer with `Response(result.json, media_type="application/json")`.',
    needs={"transport-reachable"},
)
async def json_type(target: Target) -> None:
    """An operation that does not stream is answered as `application/json`."""
    answer = await probe(target)
    if answer.json is None:
        untestable("threads.list is not answered with JSON")
    is_json = answer.content_type == "application/json" or answer.content_type.endswith("+json")
    require(is_json, answer, "Content-Type: application/json", _type_of(answer))


@check(
    "transport-event-stream-type",
    level=Level.MUST,
    source="WHATWG HTML 9.2 Server-sent events; " + _PROCESS_STREAMING,
    fix="Answer a StreamingResult with `StreamingResponse(result, "
    'media_type="text/event-stream")`.',
    needs={"transport-reachable"},
)
async def event_stream_type(target: Target) -> None:
    """A streaming operation is answered as `text/event-stream`."""
    _, created = await opening(target)
    require(
        created.ok or (created.is_success and created.events),
        created,
        "200 with Content-Type: text/event-stream",
    )
    require(
        created.content_type == "text/event-stream",
        created,
        "Content-Type: text/event-stream",
    )


@check(
    "transport-event-framing",
    level=Level.MUST,
    source=_PROCESS_STREAMING,
    fix="Pass on the bytes of the SDK's StreamingResult as they are; add no `data:`, encode "
    "nothing again.",
    needs={"transport-reachable"},
)
async def event_framing(target: Target) -> None:
    """Each event is one `data: {json}` and a blank line, and nothing else."""
    _, created = await opening(target)
    if not created.events and not created.faults:
        untestable("threads.create is not answered with events")
    require(
        not created.faults,
        created,
        "events framed as `data: {json}` and a blank line",
        created.faults[0] if created.faults else "",
    )


@check(
    "transport-event-types",
    level=Level.MUST,
    source="chatkit/types.py ThreadStreamEvent (openai-chatkit 1.6.5)",
    fix="Send ChatKit's own events; map those of your model's API with "
    "`chatkit.agents.stream_agent_response`.",
    needs={"transport-reachable"},
)
async def event_types(target: Target) -> None:
    """Events are ChatKit's own: objects with a `type`, among them those of threads and items."""
    _, created = await opening(target)
    if not created.events:
        untestable("threads.create is not answered with events")
    expected = 'objects such as {"type": "thread.item.done", "item": {…}}'
    for event in created.events:
        require(event.type, created, expected, f"an event without a type: {event.data}")
    spoken = {event.type for event in created.events}
    known = {name for name in spoken if name.startswith(("thread.", "error", "notice"))}
    require(known, created, expected)


@check(
    "transport-streams-as-made",
    level=Level.SHOULD,
    source=_PROCESS_STREAMING,
    fix="Do not collect the events: hand the async iterator to StreamingResponse, and switch off "
    "compression and proxy buffering for this route.",
    needs={"transport-event-stream-type"},
)
async def streams_as_made(target: Target) -> None:
    """Events are sent as they are made, not held back to the end."""
    turn = (await parallel(target)).streams[0]
    if len(turn.deltas) < _SEVERAL:
        skip("answers come without text deltas")
    first, last = turn.events[0].at, turn.events[-1].at
    if turn.seconds < _TELLING:
        skip("the answer came too quickly to tell")
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
    """A stream says `Cache-Control: no-cache` or `no-store`."""
    _, created = await opening(target)
    value = created.headers.get("cache-control", "")
    require(
        "no-cache" in value.lower() or "no-store" in value.lower(),
        created,
        "Cache-Control: no-cache",
        f"Cache-Control: {value}" if value else "no Cache-Control header",
    )


@check(
    "transport-not-buffered",
    level=Level.SHOULD,
    source="nginx ngx_http_proxy_module, proxy_buffering",
    fix="Send `X-Accel-Buffering: no` with every stream.",
    needs={"transport-event-stream-type"},
)
async def not_buffered(target: Target) -> None:
    """A stream says `X-Accel-Buffering: no`, so that nginx passes it on at once."""
    _, created = await opening(target)
    value = created.headers.get("x-accel-buffering", "")
    require(
        value.strip().lower() == "no",
        created,
        "X-Accel-Buffering: no",
        f"X-Accel-Buffering: {value}" if value else "no X-Accel-Buffering header",
    )


@check(
    "transport-post-only",
    level=Level.SHOULD,
    source="RFC 9110 section 15.5.6 (405 Method Not Allowed)",
    fix="Register the route for POST only, so that other methods are answered with 405.",
    needs={"transport-reachable"},
)
async def post_only(target: Target) -> None:
    """A GET is refused with 405 or 404, or shows a page; it never runs an operation."""
    answer = await target.user.send(b"", method="GET")
    runs = answer.ok and answer.content_type in ("application/json", "text/event-stream")
    require(
        not ((not answer.status or answer.is_server_error) or runs),
        answer,
        "405 Method Not Allowed",
    )


def _redirect(answer: Exchange) -> str:
    return f"{answer.status} to {answer.headers.get('location', 'nowhere')}"


def _type_of(answer: Exchange) -> str:
    kind = answer.headers.get("content-type")
    return f"Content-Type: {kind}" if kind else "no Content-Type header"
