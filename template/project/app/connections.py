"""Bounds what a connection may send, how long it may take, and how many there are.

httptools parses HTTP in C and without bounds: a header without an end would be copied again with
everything that arrives, and a client that sends nothing would keep its connection for ever.
"""

import asyncio
import json
import sys
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from app.common_settings import CommonSettings
from app.logs import RepeatedWarning

MAX_HEAD_BYTES = 65_536
"""Bounds a request's URL and headers, each header counted as in HTTP/2 (RFC 9113, 6.5.2)."""
_HEADER_OVERHEAD = 32

MAX_PIPELINED = 8
"""Complete requests that may wait for the connection's running one; browsers send none."""

MIN_BODY_RATE = 2_000
"""Bytes per second below which a body is too slow; a phone on a 2G network sends more."""

_RESERVED_FILES = 64
"""Open files for everything that is not a connection."""
_MOST_CONNECTIONS = 10_000


class BoundedConfig(Config):
    """uvicorn's configuration, with the bounds of `BoundedHttp`.

    Args:
        app: The application, or the import string of the function that creates it.
        settings: Where to listen, and the bounds.
    """

    def __init__(self, app: Any, settings: CommonSettings) -> None:
        super().__init__(
            app,
            factory=isinstance(app, str),
            http=BoundedHttp,
            ws="none",
            workers=settings.workers,
            timeout_keep_alive=settings.keep_alive,
            timeout_graceful_shutdown=settings.shutdown_grace,
            forwarded_allow_ips=settings.forwarded_allow_ips,
            log_config=None,
            access_log=False,
            server_header=False,
        )
        self.max_connections = settings.max_connections or most_connections()
        self.header_timeout = settings.header_timeout
        self.body_timeout = settings.body_timeout
        self.idle: dict[BoundedHttp, None] = {}
        """Connections without a request in progress; the one that is idle longest comes first."""
        self.requests: set[asyncio.Task[None]] = set()
        """Those in progress, which end after their responses."""
        self.warning = RepeatedWarning("connection refused")


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with bounds; the errors are JSON like all others.

    A response that has begun is never cut off by a timer, however long it is.
    """

    config: BoundedConfig

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        config.requests = server_state.tasks
        self._running: RequestResponseCycle | None = None
        """The request that is being answered; `cycle` is the last one that has arrived."""
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0.0
        """When the part of the request that is being received began: its head or its body."""
        self._received = 0
        """Bytes of that part, as they came."""
        self._in_head = False
        self._in_body = False
        self._head_bytes = 0
        self._unparsed = 0
        """Bytes received since the parser last found anything in them."""
        self._refusal = (400, "invalid_http", "This is not a valid HTTP request.")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection; if there are too many, close the one that is idle longest."""
        super().connection_made(transport)
        self._set_idle()
        self._start_keep_alive()
        if len(self.connections) <= self.config.max_connections:
            return
        longest = next(iter(self.config.idle))
        if longest is self:
            self._refuse(503, "too_many_connections", "The server has too many connections.")
            return
        self.config.warning.log(reason="MAX_CONNECTIONS reached", closed="an idle connection")
        del self.config.idle[longest]
        # Its client may not have read the last response, and need not ever do so.
        longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and end the request that is being answered."""
        self.config.idle.pop(self, None)
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        # uvicorn only ends the last one that has arrived.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and begin to answer a request that is complete up to its body."""
        self._unset_keepalive_if_required()
        self._unparsed += len(data)
        self._received += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Only HTTP/1.1 is offered. What follows such a request has not been parsed.
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(*self._refusal)
            return
        if self._unparsed > MAX_HEAD_BYTES:
            self._refuse(*_HEAD_TOO_LARGE)
        elif self._in_head or self._in_body or self._unparsed:
            self._start_timer()
        elif self.cycle is not None and self.cycle.response_complete:
            self._start_keep_alive()  # That was the rest of a request that was refused early.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        # The address that `X-Forwarded-For` cannot change.
        self.scope["state"]["peer"] = self.client
        # Closing would wait until the client has read everything; this does not.
        self.scope["state"]["abort"] = self.transport.abort
        self._head_bytes = 0
        self._begin(in_head=True)

    def on_url(self, url: bytes) -> None:
        """Receive the URL, or a part of it."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header; those after the body (RFC 9110, 6.5) are counted and dropped."""
        self._count(len(name) + len(value) + _HEADER_OVERHEAD)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer the request, or queue it behind the running one."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refusal = (429, "too_many_requests", "Wait for answers before you send more.")
            raise ValueError
        self._begin(in_body=True)
        self.config.idle.pop(self, None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._begin()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next request that has been received, or be idle."""
        if not self.pipeline:
            self._set_idle()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, "invalid_http", msg)

    def _begin(self, *, in_head: bool = False, in_body: bool = False) -> None:
        """Begin the next part of a request."""
        self._in_head, self._in_body = in_head, in_body
        self._received = self._unparsed = 0
        self._stop_timer()

    def _count(self, size: int) -> None:
        """Add to the head's size.

        Raises:
            ValueError: It is too large; the parser then stops.
        """
        self._unparsed = 0
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refusal = _HEAD_TOO_LARGE
            raise ValueError

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _start_keep_alive(self) -> None:
        """Close the connection after a while without a request."""
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _set_idle(self) -> None:
        self.config.idle.pop(self, None)
        self.config.idle[self] = None

    def _start_timer(self) -> None:
        """Watch over a request of which something is still to come."""
        if self._timer is None:
            seconds = self.config.body_timeout if self._in_body else self.config.header_timeout
            self._begun = self.loop.time()
            self._timer = self.loop.call_later(seconds, self._check_progress)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_progress(self) -> None:
        """Close the connection if the rest of the request has not arrived in time."""
        self._timer = None
        if self.flow.read_paused or self._answers_earlier_request():
            self._received = 0
            self._start_timer()
        elif (left := self._seconds_left()) > 0:
            self._timer = self.loop.call_later(left, self._check_progress)
        elif not self._in_head and not self._in_body:
            self.transport.close()  # Only blank lines have arrived.
        else:
            self._refuse(408, "request_timeout", "The request did not arrive in time.")

    def _answers_earlier_request(self) -> bool:
        """Return whether a response is under way while a later request is being received."""
        if self._in_body:
            return bool(self.pipeline)
        return self.cycle is not None and not self.cycle.response_complete

    def _seconds_left(self) -> float:
        """Return how long a body that arrives fast enough may still take."""
        if not self._in_body or self.cycle.response_complete:
            return 0
        earned = self.config.body_timeout + self._received / MIN_BODY_RATE
        return self._begun + earned - self.loop.time()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Close the connection, with an error if no other response would be mistaken for it."""
        self._stop_timer()
        self.config.warning.log(reason=code, client=self.client[0] if self.client else None)
        if self._may_answer():
            self.transport.write(_error(status, code, message))
        self.transport.close()

    def _may_answer(self) -> bool:
        if self.cycle is None or self.cycle.response_complete:
            return True
        return self._in_body and not self.pipeline and not self.cycle.response_started


_HEAD_TOO_LARGE = (431, "headers_too_large", f"Headers may have {MAX_HEAD_BYTES} bytes in all.")


def most_connections() -> int:
    """Return how many connections the limit of open files leaves room for, at most 10,000."""
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    # A new connection is accepted before an idle one is closed for it: some are open beyond this.
    return max(min((files - _RESERVED_FILES) * 3 // 4, _MOST_CONNECTIONS), 1)


def _error(status: int, code: str, message: str) -> bytes:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return STATUS_LINE[status] + (
        b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
