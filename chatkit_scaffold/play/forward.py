"""Forwards a request of the page to the backend, and the response while it arrives."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from chatkit_scaffold.conformance.front import in_front
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.play.user import User
from chatkit_scaffold.protocol.client import STREAMING
from chatkit_scaffold.protocol.exchange import Exchange, Failure

NUMBER = "X-Play-Exchange"
"""The response header with the exchange's number."""
_CODES = {
    Failure.NO_CONNECTION: "unreachable",
    Failure.NO_TLS: "tls",
    Failure.STALLED: "timeout",
    Failure.CUT_OFF: "cut_off",
}
_START = "Start the backend, and pass the URL of its ChatKit route."

Ended = Callable[[Exchange], Awaitable[None]]


class Forward(Response):
    """Sends a request to the backend and passes on the status, the type and the bytes.

    The connection to the backend ends with that to the page, which is how a user stops an answer.
    A response that breaks off does so for the page, too.

    Args:
        user: Whose request it is.
        content: The body of the request.
        exchange: Records the response.
        number: The exchange's number.
        language: The `Accept-Language` of the page; empty for that of the checks.
        received: Called when the backend's response is complete, before the page can see that.
        ended: Called at the end, whatever happens.
    """

    def __init__(
        self,
        user: User,
        content: bytes,
        exchange: Exchange,
        *,
        number: int,
        language: str,
        received: Callable[[], None],
        ended: Ended,
    ) -> None:
        super().__init__()
        self._user = user
        self._content = content
        self._exchange = exchange
        self._number = number
        self._language = language
        self._received = received
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the page."""
        relay = _ToPage(send, self._number)
        try:
            await self._until_page_leaves(receive, relay)
            self._received()
            if not self._exchange.stopped:
                await self._finish(relay, scope, receive, send)
        finally:
            await self._ended(self._exchange)

    async def _until_page_leaves(self, receive: Receive, relay: "_ToPage") -> None:
        started = time.monotonic()
        work = asyncio.create_task(
            self._user.send(
                self._exchange,
                self._content,
                language=self._language,
                streaming=self._exchange.operation in STREAMING,
                relay=relay,
            )
        )
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not work.done():
                self._exchange.stopped = True
                self._exchange.seconds = time.monotonic() - started
                work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _finish(self, relay: "_ToPage", scope: Scope, receive: Receive, send: Send) -> None:
        """End the page's response, or answer with an error if it has not begun."""
        if not relay.begun:
            await self._error()(scope, receive, send)
        elif self._exchange.failure in (None, Failure.TOO_LARGE):
            await relay.end()
        # Otherwise, the server closes the connection in the middle of the response.

    def _error(self) -> Response:
        exchange = self._exchange
        if exchange.is_redirect:
            front = in_front(exchange)
            what, hint = (front.description, front.fix) if front else ("a redirect", "")
            code, message = "redirect", f"The backend answers with {what}; it was not followed"
        else:
            code = _CODES.get(exchange.failure or Failure.UNREADABLE, "unreadable")
            message = f"The backend does not respond: {exchange.error}"
            hint = exchange.advice or _START
        shown = self._user.without_secrets
        error = error_response(502, code, ScaffoldError(shown(message), hint=shown(hint)))
        error.headers[NUMBER] = str(self._number)
        return error


class _ToPage:
    """Passes a response on to the page; see `Relay`."""

    def __init__(self, send: Send, number: int) -> None:
        self.begun = False
        self._send = send
        self._number = number

    async def begin(self, exchange: Exchange) -> None:
        # A browser would follow a redirect, and so might show another site's answer.
        if exchange.is_redirect:
            return
        self.begun = True
        # Never one that a browser would run or show as a page of its own.
        kind = exchange.headers.get("content-type", "application/octet-stream")
        headers = [(b"content-type", kind.encode("latin-1", "replace"))]
        headers.append((NUMBER.lower().encode(), str(self._number).encode()))
        await self._send(
            {"type": "http.response.start", "status": exchange.status, "headers": headers}
        )

    async def chunk(self, data: bytes) -> None:
        if self.begun and data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def error_response(status: int, code: str, error: ScaffoldError) -> JSONResponse:
    """Return an error as the page shows it: one sentence, and one hint."""
    content = {"code": code, "message": error.message, "hint": error.hint}
    return JSONResponse({"error": content}, status)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
