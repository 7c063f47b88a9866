"""A ChatKit client for one user, which records every exchange."""

import itertools
import json
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.guard import Guard, require_reading
from chatkit_scaffold.protocol.journal import Journal, Observation
from chatkit_scaffold.protocol.limits import InconclusiveError, LimitReachedError, Limits
from chatkit_scaffold.protocol.pace import rate_limited
from chatkit_scaffold.protocol.session import HttpSession
from chatkit_scaffold.protocol.url import shown_url
from chatkit_scaffold.text import shorten

STREAMING = frozenset(
    {
        "threads.create",
        "threads.add_user_message",
        "threads.add_client_tool_output",
        "threads.add_structured_input",
        "threads.retry_after_item",
        "threads.custom_action",
    }
)
"""Operations whose response is a stream: `StreamingReq` in chatkit/types.py (1.6.5)."""

_SENT_SHOWN = 240


class Chatkit:
    """One user of one ChatKit server.

    Keeps the cookies that the server sets, and the ids of the threads it creates. In a careful
    run, refuses to send what might harm other threads; see `Guard`.

    Args:
        url: The endpoint, `http://` or `https://`.
        name: The user's name in reports.
        headers: Sent with every request, such as credentials; never shown.
        origin: Sent as `Origin`, as a browser does.
        limits: See `Limits`.
        journal: Records the exchanges; shared by all users of a run.
        trusted: Whose certificates to trust; see `tls.trust`.

    Raises:
        ScaffoldError: The URL or a header is not valid.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        limits: Limits | None = None,
        journal: Journal | None = None,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self.headers = dict(headers or {})
        self.origin = origin
        self.limits = limits or Limits()
        self.journal = journal or Journal()
        self.guard = Guard(self.call, self.journal)
        self.trusted = trusted
        self._http = HttpSession(
            url, self.headers, origin=origin, limits=self.limits, trusted=trusted
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def display_url(self) -> str:
        """The URL without a user name, a password and the values of a query, safe to print."""
        return shown_url(self.url)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the server has set so far."""
        return self._http.cookies

    @property
    def created_threads(self) -> dict[str, None]:
        """The ids of the threads that the user has created."""
        return self.guard.created

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def request(
        self,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        watch: Callable[[Exchange], bool] | None = None,
    ) -> Exchange:
        """Send one operation and read its response to the end, whatever the response is.

        Args:
            operation: Such as `threads.list`.
            params: The operation's parameters.
            extra: More members for the top level of the request.
            headers: Sent with this request only.
            watch: Called after every chunk of the response; returns True to close the
                connection.

        Raises:
            LimitReachedError: The run has used up its requests, bytes or time.
            InconclusiveError: The response shows nothing, see `Journal`; or the request was not
                sent, see `Guard`.
        """
        params = dict(params or {})
        before = await self.guard.admit(operation, params)
        content = json.dumps({"type": operation, "params": params, **(extra or {})}).encode()
        exchange = await self.send_raw(
            content, headers=headers, watch=watch, operation=operation, params=params
        )
        # A refusal shows nothing about the next operation of its kind, which may succeed.
        if before is not None and not exchange.is_client_error:
            harm = await before.harm(self.call, params)
            if harm or exchange.ok:
                self.journal.observed[operation] = Observation(exchange, harm)
        return exchange

    async def call(self, operation: str, /, **params: Any) -> Exchange:
        """Send an operation whose response is JSON; see `Exchange.json`."""
        return await self.request(operation, params)

    async def stream(
        self,
        operation: str,
        /,
        *,
        watch: Callable[[Exchange], bool] | None = None,
        **params: Any,
    ) -> Exchange:
        """Send an operation whose response is a stream; see `Exchange.events`."""
        return await self.request(operation, params, watch=watch)

    async def create_thread(
        self, text: str, *, watch: Callable[[Exchange], bool] | None = None
    ) -> Exchange:
        """Create a thread with its first message; see `Exchange.thread_id`."""
        return await self.stream("threads.create", input=user_input(text), watch=watch)

    async def say(
        self, thread_id: str, text: str, *, watch: Callable[[Exchange], bool] | None = None
    ) -> Exchange:
        """Send another message to a thread."""
        return await self.stream(
            "threads.add_user_message", thread_id=thread_id, input=user_input(text), watch=watch
        )

    async def send_raw(
        self,
        content: bytes,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        watch: Callable[[Exchange], bool] | None = None,
        operation: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> Exchange:
        """Send any body with any method; see `request` for the other arguments."""
        if self.journal.read_only:
            require_reading(method, content)
        pace = self.journal.pace
        for attempt in itertools.count():
            if pace is not None:
                await pace.turn(operation)
            exchange = Exchange(sent=self._describe(method, content), operation=operation)
            try:
                await self._exchange(exchange, content, method, headers, watch)
            finally:
                self.guard.note(exchange, params or {})
            if pace is None:
                break
            if not exchange.is_refusal:
                pace.accepted(operation)
                break
            if not pace.allows_another(exchange, attempt):
                raise InconclusiveError(rate_limited(exchange))
        return exchange

    def forget_thread(self, thread_id: str) -> None:
        """Leave a thread out of the clean-up, because it was already deleted."""
        self.created_threads.pop(thread_id, None)

    async def _exchange(
        self,
        exchange: Exchange,
        content: bytes,
        method: str,
        headers: Mapping[str, str] | None,
        watch: Callable[[Exchange], bool] | None,
    ) -> None:
        """Send one request, for no longer than the run has patience."""
        streaming = exchange.operation in STREAMING
        within = self.limits.exchange_timeout if streaming else self.limits.read_timeout
        patience = self.journal.patience
        if patience is not None:
            within = patience.limit(exchange.operation, within)
        self._record(exchange)
        await self._http.send(
            exchange,
            content,
            method=method,
            headers=headers,
            watch=watch,
            streaming=streaming,
            within=within,
        )
        if patience is not None:
            patience.count(exchange, within)

    def _record(self, exchange: Exchange) -> None:
        if len(self.journal.exchanges) >= self.limits.requests:
            raise LimitReachedError(f"{self.limits.requests} requests were sent")
        if sum(past.size for past in self.journal.exchanges) > self.limits.total_bytes:
            raise LimitReachedError(f"the server sent more than {self.limits.total_bytes:,} bytes")
        self.journal.exchanges.append(exchange)

    def _describe(self, method: str, content: bytes) -> str:
        who = f" as {self.name}" if self.name else ""
        shown = shorten(_readable(content), _SENT_SHOWN)
        return f"{method} {shown}{who}".replace("  ", " ")


def user_input(
    text: str, *, attachments: tuple[str, ...] = (), quoted_text: str = ""
) -> dict[str, Any]:
    """Return a user's message in the form in which the official client sends it."""
    return {
        "content": [{"type": "input_text", "text": text}],
        "quoted_text": quoted_text,
        "attachments": list(attachments),
        "inference_options": {},
    }


def _readable(content: bytes) -> str:
    """Return a body as text; in JSON, undo the escapes that `json.dumps` wrote."""
    text = content.decode("utf-8", "replace")
    if len(content) > _SENT_SHOWN * 10:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
