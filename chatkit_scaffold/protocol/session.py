"""One user's HTTP session with one server; the only importer of httpx."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import httpx

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.event_stream import Event, EventParser
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import Limits
from chatkit_scaffold.text import shorten

# The most specific first: httpx's classes are nested.
_FAILURES: list[tuple[type[Exception], str]] = [
    (httpx.ConnectTimeout, "no connection within the time limit"),
    (httpx.TimeoutException, "silence for longer than the time limit"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the connection was cut off, or what came is not HTTP"),
    (httpx.DecodingError, "the body is not what its Content-Encoding says"),
    (httpx.HTTPError, "the connection broke"),
]


class HttpSession:
    """Sends requests to one URL and keeps the cookies that the server sets.

    Args:
        url: The endpoint, `http://` or `https://`.
        headers: Sent with every request.
        origin: Sent as `Origin`, as a browser does.
        limits: See `Limits`; those of an exchange apply here.

    Raises:
        ScaffoldError: The URL or a header cannot be used.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, origin: str | None, limits: Limits
    ) -> None:
        self._url = _checked_url(url)
        self._headers = dict(headers)
        self._origin = origin
        self._limits = limits
        self._client = _http_client(self._url, self._headers, limits)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the session has by now."""
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
    ) -> None:
        """Send a body and write into *exchange* what comes back, whatever it is.

        Args:
            exchange: Grows with the answer; `error` tells why the answer has no end.
            content: The body.
            method: Such as `POST`.
            headers: Sent with this request only.
            watch: Called after every piece of the answer; True closes the connection.
            streaming: Whether events are expected, even if the media type does not say so.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.exchange_timeout):
                async with self._opened(method, content, headers) as response:
                    await self._read(response, exchange, started, watch, streaming)
        except TimeoutError:
            exchange.error = f"no end within {self._limits.exchange_timeout:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            exchange.error = _explain(error)
        except (ValueError, OSError) as error:
            # Headers, cookies and encodings that httpx hands to the standard library.
            exchange.error = f"the answer cannot be read: {shorten(str(error))}"
        exchange.seconds = time.monotonic() - started

    @asynccontextmanager
    async def _opened(
        self, method: str, content: bytes, headers: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        sent = {"content-type": "application/json", "accept-language": "en"}
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
    ) -> None:
        exchange.status = response.status_code
        exchange.headers = {name.lower(): value for name, value in response.headers.items()}
        parser = EventParser() if _may_hold_events(exchange, streaming) else None
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                chunks.append(chunk[: self._limits.body])
                if parser is not None:
                    at = time.monotonic() - started
                    exchange.events += [Event(event, at) for event in parser.feed(chunk)]
                if watch is not None and watch(exchange):
                    exchange.stopped = True
                    return
                if size > self._limits.body or len(exchange.events) > self._limits.events:
                    exchange.error = f"more than {size:,} bytes and no end in sight"
                    return
            if parser is not None:
                at = time.monotonic() - started
                exchange.events += [Event(event, at) for event in parser.close()]
        finally:
            exchange.body = b"".join(chunks)
            if parser is not None:
                exchange.faults = parser.faults


def _checked_url(url: str) -> str:
    """Return *url* if it can be an endpoint.

    Raises:
        ScaffoldError: It is not an absolute HTTP URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        httpx.URL(url)
        _ = parts.port
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ScaffoldError(
            f"{shorten(url)!r} is not the URL of an HTTP server",
            hint="give the whole address of the endpoint, such as http://127.0.0.1:8000/chatkit",
        )
    return url


def _http_client(url: str, headers: dict[str, str], limits: Limits) -> httpx.AsyncClient:
    # Reading certificates takes 50 ms, which a plain connection can do without.
    secure = url.startswith("https:")
    try:
        client = httpx.AsyncClient(
            timeout=httpx.Timeout(limits.read_timeout),
            # A server may close a connection after an error, just when it is used again; that
            # would look as if it did not answer.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,  # a .netrc would add credentials which no check knows of
            verify=secure,
        )
        httpx.Headers(headers).raw  # noqa: B018 - refuses what cannot be sent
        _take_cookies(client, headers)
    except (UnicodeEncodeError, CookieError, ValueError):
        raise ScaffoldError(
            f"a header cannot be sent: {', '.join(headers)}",
            hint="use plain letters and digits, as in --header 'Authorization: Bearer abc'",
        ) from None
    return client


def _take_cookies(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Move a Cookie header into the jar, or cookies that the server sets would be dropped."""
    for name in [name for name in headers if name.lower() == "cookie"]:
        for morsel in SimpleCookie(headers.pop(name)).values():
            client.cookies.set(morsel.key, morsel.value)


def _may_hold_events(exchange: Exchange, streaming: bool) -> bool:
    if exchange.content_type == "text/event-stream":
        return True
    return streaming and exchange.is_success and exchange.content_type != "application/json"


def _explain(error: Exception) -> str:
    for kind, text in _FAILURES:
        if isinstance(error, kind):
            detail = shorten(str(error))
            return f"{text} ({detail})" if detail else text
    return f"the request failed ({shorten(str(error))})"
