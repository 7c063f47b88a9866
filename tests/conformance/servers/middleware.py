"""Middleware that changes the requests and responses of a correct server."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from tests.conformance.servers.serving import App, Message, Receive, Send

Json = Any
Headers = dict[str, str]


@dataclass(slots=True)
class BufferedResponse:
    """A response that is not a stream, for a fault to change."""

    status: int
    headers: Headers
    body: Json

    def response(self) -> Response:
        """Return the changed response; a body of bytes is not encoded as JSON."""
        self.headers.pop("content-length", None)
        media_type = self.headers.pop("content-type", "application/json")
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Response(body, self.status, self.headers, media_type)


def respond_instead(choose: Callable[[Json, Message], Response | None]) -> Callable[[App], App]:
    """Respond with what *choose* returns for the request's JSON and scope, unless it is None."""

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            body, replay = await _body(receive)
            response = choose(_json(body), scope)
            if response is not None:
                return await response(scope, replay, send)
            return await app(scope, replay, send)

        return changed

    return wrap


def change_requests(change: Callable[[Json], Json]) -> Callable[[App], App]:
    """Change the JSON body of every request."""

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                return await app(scope, receive, send)
            body, _ = await _body(receive)
            value = _json(body)
            if isinstance(value, dict):
                body = json.dumps(change(value)).encode()
            return await app(scope, _replayed(body, receive), send)

        return changed

    return wrap


def change_responses(change: Callable[[Json, BufferedResponse], None]) -> Callable[[App], App]:
    """Change responses that are not streams; *change* also gets the request's JSON."""

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                return await app(scope, receive, send)
            body, replay = await _body(receive)
            collected: list[Message] = []

            async def collect(message: Message) -> None:
                collected.append(message)
                if _is_stream(collected[0]):
                    await send(message)
                elif message["type"] == "http.response.body" and not message.get("more_body"):
                    await finish(_json(body))(scope, receive, send)

            def finish(request: Json) -> Response:
                start, *chunks = collected
                whole = b"".join(message.get("body", b"") for message in chunks)
                response = BufferedResponse(start["status"], _headers(start), _json(whole))
                change(request, response)
                return response.response()

            return await app(scope, replay, collect)

        return changed

    return wrap


def change_events(
    change: Callable[[Json], Iterable[Json | bytes]], *, cut_off: bool = False
) -> Callable[[App], App]:
    """Change the events of streams.

    Args:
        change: Returns the events to send instead of an event; bytes are sent unframed.
        cut_off: Whether to break the connection instead of ending the stream.
    """

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            streaming = False

            async def rewrite(message: Message) -> None:
                nonlocal streaming
                if message["type"] == "http.response.start":
                    streaming = _is_stream(message)
                    await send(message)
                    return
                more = message.get("more_body", False)
                if streaming and message.get("body"):
                    message = {**message, "body": _rewritten(message["body"], change)}
                await send({**message, "more_body": more or (streaming and cut_off)})
                if streaming and cut_off and not more:
                    raise ConnectionResetError("cut off on purpose")

            await app(scope, receive, rewrite)

        return changed

    return wrap


def change_headers(change: Callable[[int, Headers], None]) -> Callable[[App], App]:
    """Change the headers of every response; *change* also gets the status."""

    def wrap(app: App) -> App:
        async def changed(scope: Message, receive: Receive, send: Send) -> None:
            async def rewrite(message: Message) -> None:
                if message["type"] == "http.response.start":
                    found = _headers(message)
                    change(message["status"], found)
                    pairs = [(name.encode(), value.encode()) for name, value in found.items()]
                    message = {**message, "headers": pairs}
                await send(message)

            await app(scope, receive, rewrite)

        return changed

    return wrap


def buffer_streams(app: App) -> App:
    """Collect each stream and send it at once, as a buffering proxy does."""

    async def changed(scope: Message, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                for one in messages:
                    await send(one)

        if scope["type"] != "http":
            return await app(scope, receive, send)
        return await app(scope, receive, collect)

    return changed


def sse(event: Json) -> bytes:
    """Return an event, framed as by the SDK."""
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def stream(*sent: Json) -> Response:
    """Return a response that streams these events."""
    return Response(b"".join(map(sse, sent)), media_type="text/event-stream")


def _rewritten(body: bytes, change: Callable[[Json], Iterable[Json | bytes]]) -> bytes:
    """Change the events of a chunk; the correct server sends only whole events."""
    pieces = []
    for block in body.split(b"\n\n"):
        if block.startswith(b"data: "):
            pieces += [_bytes(event) for event in change(json.loads(block[6:]))]
    return b"".join(pieces)


def _bytes(event: Json | bytes) -> bytes:
    return event if isinstance(event, bytes) else sse(event)


async def _body(receive: Receive) -> tuple[bytes, Receive]:
    """Read a request's body; return it with a `receive` that returns it again."""
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = bool(message.get("more_body"))
    body = b"".join(chunks)
    return body, _replayed(body, receive)


def _replayed(body: bytes, receive: Receive) -> Receive:
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    return replay


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _headers(start: Message) -> Headers:
    return {name.decode().lower(): value.decode() for name, value in start["headers"]}


def _is_stream(start: Message) -> bool:
    return _headers(start).get("content-type", "").startswith("text/event-stream")


def sign_in_by_cookie(app: App) -> App:
    """Take the token from the cookie `token`, and ignore the header."""

    async def changed(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
            token = HTTPConnection(scope).cookies.get("token")
            if token is not None:
                headers.append((b"authorization", f"Bearer {token}".encode()))
            scope = {**scope, "headers": headers}
        await app(scope, receive, send)

    return changed
