"""An HTTP session of one user with one server."""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol import tls
from chatkit_scaffold.protocol.cookies import read_cookies
from chatkit_scaffold.protocol.event_stream import Event, EventParser
from chatkit_scaffold.protocol.exchange import Exchange, Failure
from chatkit_scaffold.protocol.limits import Limits
from chatkit_scaffold.protocol.url import valid_url
from chatkit_scaffold.text import shorten

_KEPT_BYTES = 64_000
_KEPT_EVENTS = 1_000
"""Of a response that is too large, which no check reads to its end."""

_DEFAULT_HEADERS = {
    "content-type": "application/json",
    "accept-language": "en",
    "accept-encoding": "gzip, deflate",
}
_MOST_CODINGS = 1
_UNBOUNDED_CODING = "zstd"
"""64 kB of it can hold gigabytes; a chunk of gzip holds at most a thousand times its size."""

_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NEVER_IN_HEADERS = re.compile(rb"[\0\n\v\f\r]")
# RFC 9110, section 5.

# Most specific first: httpx's exceptions form a hierarchy.
_FAILURES: list[tuple[type[Exception], Failure, str]] = [
    (httpx.ConnectTimeout, Failure.NO_CONNECTION, "no connection within the time limit"),
    (httpx.TimeoutException, Failure.STALLED, "no data within the time limit"),
    (httpx.ConnectError, Failure.NO_CONNECTION, "no connection"),
    (
        httpx.RemoteProtocolError,
        Failure.CUT_OFF,
        "the connection was cut off, or the response is not valid HTTP",
    ),
    (httpx.DecodingError, Failure.UNREADABLE, "the body does not match its Content-Encoding"),
    (httpx.HTTPError, Failure.CUT_OFF, "the connection broke"),
]


class Relay(Protocol):
    """Gets a response while it arrives, to pass it on."""

    async def begin(self, exchange: Exchange) -> None:
        """Take the status and the headers, which *exchange* has by now."""

    async def chunk(self, data: bytes) -> None:
        """Take the next bytes of the body, without their `Content-Encoding`."""


class HttpSession:
    """Sends requests to one URL and keeps the cookies that the server sets.

    Args:
        url: The endpoint, `http://` or `https://`.
        headers: Sent with every request.
        origin: Sent as `Origin`, as a browser does.
        limits: See `Limits`; only those of one exchange apply here.
        trusted: Whose certificates to trust; see `tls.trust`.

    Raises:
        ScaffoldError: The URL or a header is not valid.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        origin: str | None,
        limits: Limits,
        trusted: ssl.SSLContext | None,
    ) -> None:
        self._url = valid_url(url)
        self._headers = dict(headers)
        self._origin = origin
        self._limits = limits
        self._client = _http_client(self._url, self._headers, limits, trusted)

    @property
    def cookies(self) -> dict[str, str]:
        """The session's cookies."""
        return {cookie.name: cookie.value or "" for cookie in self._client.cookies.jar}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(
        self,
        exchange: Exchange,
        content: bytes,
        *,
        method: str,
        headers: Mapping[str, str] | None,
        watch: Callable[[Exchange], bool] | None,
        streaming: bool,
        within: float,
        relay: Relay | None = None,
    ) -> None:
        """Send a body and record the response in *exchange*, whatever it is.

        Args:
            exchange: Updated with every chunk; `error` is why the response is incomplete.
            content: The body.
            method: Such as `POST`.
            headers: Sent with this request only.
            watch: Called after every chunk of the response; returns True to close the
                connection.
            streaming: Whether to expect events even without `text/event-stream`.
            within: Seconds until the response must be complete.
            relay: Gets the whole response, also what is too large to be recorded.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(within):
                async with self._request(method, content, headers) as response:
                    await self._read(response, exchange, started, watch, streaming, relay=relay)
        except TimeoutError:
            exchange.failure = Failure.STALLED
            exchange.error = f"not complete within {within:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            _record(error, exchange)
        except (ValueError, OSError) as error:
            # httpx passes some headers, cookies and encodings on to the standard library.
            exchange.failure = Failure.UNREADABLE
            exchange.error = f"the response cannot be read: {shorten(str(error))}"
        exchange.seconds = time.monotonic() - started

    @asynccontextmanager
    async def _request(
        self, method: str, content: bytes, headers: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        # Whatever the case of their names, later headers replace earlier ones.
        sent = httpx.Headers(_DEFAULT_HEADERS)
        if self._origin:
            sent["origin"] = self._origin
        sent.update(self._headers)
        sent.update(headers or {})
        async with self._client.stream(
            method, self._url, content=content, headers=sent
        ) as response:
            yield response

    async def _read(
        self,
        response: httpx.Response,
        exchange: Exchange,
        started: float,
        watch: Callable[[Exchange], bool] | None,
        streaming: bool,
        *,
        relay: Relay | None,
    ) -> None:
        exchange.status = response.status_code
        exchange.headers = {name.lower(): value for name, value in response.headers.items()}
        _require_bounded(response)
        if relay is not None:
            await relay.begin(exchange)
        parser = EventParser() if _may_hold_events(exchange, streaming) else None
        chunks: list[bytes] = []
        try:
            body = response.aiter_bytes()
            async for chunk in body:
                exchange.size += len(chunk)
                chunks.append(chunk[: self._limits.response_bytes])
                if parser is not None:
                    elapsed = time.monotonic() - started
                    exchange.events += [Event(event, elapsed) for event in parser.feed(chunk)]
                if relay is not None:
                    await relay.chunk(chunk)
                if watch is not None and watch(exchange):
                    exchange.stopped = True
                    return
                if self._exceeds_limits(exchange):
                    _give_up(exchange, chunks)
                    if relay is not None:
                        await _pass_on(body, exchange, relay)
                    return
            if parser is not None:
                elapsed = time.monotonic() - started
                exchange.events += [Event(event, elapsed) for event in parser.close()]
        finally:
            exchange.body = b"".join(chunks)
            if parser is not None:
                exchange.framing_errors = parser.framing_errors
                exchange.event_names = parser.event_names

    def _exceeds_limits(self, exchange: Exchange) -> bool:
        too_many = len(exchange.events) > self._limits.stream_events
        return too_many or exchange.size > self._limits.response_bytes


async def _pass_on(body: AsyncIterator[bytes], exchange: Exchange, relay: Relay) -> None:
    """Relay the rest of a response that is too large to be recorded."""
    async for chunk in body:
        exchange.size += len(chunk)
        await relay.chunk(chunk)


def _require_bounded(response: httpx.Response) -> None:
    """Check that no chunk of a body can fill the memory before the limits see its size.

    Raises:
        httpx.DecodingError: The body is compressed more than once, or by too much.
    """
    names = response.headers.get_list("content-encoding", split_commas=True)
    codings = [name.strip().lower() for name in names if name.strip().lower() != "identity"]
    if len(codings) > _MOST_CODINGS or _UNBOUNDED_CODING in codings:
        raise httpx.DecodingError(f"{', '.join(codings)} is refused")


def _give_up(exchange: Exchange, chunks: list[bytes]) -> None:
    """End a response that is too large, and keep only its beginning."""
    exchange.failure = Failure.TOO_LARGE
    events = f" and {len(exchange.events):,} events" if exchange.events else ""
    exchange.error = f"still not complete after {exchange.size:,} bytes{events}"
    del exchange.events[_KEPT_EVENTS:]
    beginning = b"".join(chunks)[:_KEPT_BYTES]
    chunks[:] = [beginning]


def _http_client(
    url: str, headers: dict[str, str], limits: Limits, trusted: ssl.SSLContext | None
) -> httpx.AsyncClient:
    # Loading certificates takes 50 ms, which plain HTTP does not need.
    secure = urlsplit(url).scheme == "https"
    verify = (trusted or tls.trust()) if secure else False
    try:
        client = httpx.AsyncClient(
            timeout=httpx.Timeout(
                limits.read_timeout, connect=limits.connect_timeout or limits.read_timeout
            ),
            # A server may close a kept-alive connection after an error just as the next request
            # is sent, which would look as if it did not respond.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,  # a .netrc file would add credentials that the checks do not know of
            verify=verify,
        )
        _require_sendable(headers)
        _move_cookies(client, headers)
    except ValueError:
        raise ScaffoldError(
            f"A header cannot be sent: {', '.join(headers)}",
            hint="Use ASCII characters in one line, as in --header 'Authorization: Bearer abc'.",
        ) from None
    return client


def _require_sendable(headers: Mapping[str, str]) -> None:
    """Check headers before h11 does, whose error shows the value.

    Raises:
        ValueError: A name or a value cannot be sent.
    """
    for name, value in httpx.Headers(headers).raw:
        if not _HEADER_NAME.fullmatch(name) or _NEVER_IN_HEADERS.search(value):
            raise ValueError


def _move_cookies(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Move a Cookie header to the cookie jar; httpx would send only the header otherwise."""
    for name in [name for name in headers if name.lower() == "cookie"]:
        for cookie, value in read_cookies(headers.pop(name)).items():
            client.cookies.set(cookie, value)


def _may_hold_events(exchange: Exchange, streaming: bool) -> bool:
    if exchange.content_type == "text/event-stream":
        return True
    return streaming and exchange.is_success and exchange.content_type != "application/json"


def _record(error: Exception, exchange: Exchange) -> None:
    """Record why a response is incomplete."""
    if problem := tls.explain(error):
        exchange.failure = Failure.NO_TLS
        exchange.error, exchange.advice = problem.error, problem.advice
        return
    detail = shorten(str(error))
    for kind, failure, text in _FAILURES:
        if isinstance(error, kind):
            exchange.failure = failure
            exchange.error = f"{text} ({detail})" if detail else text
            return
    exchange.failure, exchange.error = Failure.UNREADABLE, f"the request failed ({detail})"
