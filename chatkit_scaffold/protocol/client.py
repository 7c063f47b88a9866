"""Speaks ChatKit as one user of a server, and keeps every exchange."""

import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from chatkit_scaffold.protocol.exchange import Exchange, dig, text_at
from chatkit_scaffold.protocol.limits import BudgetSpentError, Journal, Limits
from chatkit_scaffold.protocol.session import HttpSession
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
"""Operations answered with a stream: `StreamingReq` in chatkit/types.py (openai-chatkit 1.6.5)."""

_SENT_SHOWN = 240


class Chatkit:
    """One user of one ChatKit server.

    Cookies that the server sets are kept. Threads that come to be are remembered, so that
    `remove_threads` can take them away again.

    Args:
        url: The endpoint, `http://` or `https://`.
        name: How this user is called in reports.
        headers: Sent with every request, credentials for example; never shown.
        origin: Sent as `Origin`, as a browser does.
        limits: See `Limits`.
        journal: Where exchanges are kept; shared by the users of one run.

    Raises:
        ScaffoldError: The URL or a header cannot be used.
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
    ) -> None:
        self.url = url
        self.name = name
        self.sent_headers = dict(headers or {})
        self.origin = origin
        self.limits = limits or Limits()
        self.journal = journal or Journal()
        self.threads: dict[str, None] = {}
        self._http = HttpSession(url, self.sent_headers, origin=origin, limits=self.limits)

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
    def shown_url(self) -> str:
        """The URL as it may be printed: without a user and a password."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this user has by now."""
        return self._http.cookies

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
        """Send one operation and wait for the end of its answer, whatever the answer is.

        Args:
            operation: Such as `threads.list`.
            params: The operation's parameters.
            extra: More members of the request's top level.
            headers: Sent with this request only.
            watch: Called after every piece of the answer; True closes the connection.

        Raises:
            BudgetSpentError: The run has sent all the requests it may.
        """
        body = {"type": operation, "params": dict(params or {}), **(extra or {})}
        exchange = await self.send(
            json.dumps(body).encode(),
            headers=headers,
            watch=watch,
            streaming=operation in STREAMING,
        )
        self._remember(operation, exchange)
        return exchange

    async def call(self, operation: str, /, **params: Any) -> Exchange:
        """Send an operation that is answered with JSON; `Exchange.json` is the answer."""
        return await self.request(operation, params)

    async def stream(
        self,
        operation: str,
        /,
        *,
        watch: Callable[[Exchange], bool] | None = None,
        **params: Any,
    ) -> Exchange:
        """Send an operation that is answered with a stream, and collect the stream."""
        return await self.request(operation, params, watch=watch)

    async def create_thread(
        self, text: str, *, watch: Callable[[Exchange], bool] | None = None
    ) -> Exchange:
        """Begin a thread with a first message; `Exchange.thread_id` names it."""
        return await self.stream("threads.create", input=user_input(text), watch=watch)

    async def say(
        self, thread_id: str, text: str, *, watch: Callable[[Exchange], bool] | None = None
    ) -> Exchange:
        """Send the next message of a thread."""
        return await self.stream(
            "threads.add_user_message", thread_id=thread_id, input=user_input(text), watch=watch
        )

    async def send(
        self,
        content: bytes,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        watch: Callable[[Exchange], bool] | None = None,
        streaming: bool = False,
    ) -> Exchange:
        """Send any body by any method; see `request`."""
        exchange = Exchange(sent=self._describe(method, content))
        self._book(exchange)
        await self._http.send(
            exchange, content, method=method, headers=headers, watch=watch, streaming=streaming
        )
        return exchange

    async def remove_threads(self) -> list[str]:
        """Delete every thread this user made; return the ids that could not be deleted."""
        left = []
        for thread_id in list(self.threads):
            answer = await self.call("threads.delete", thread_id=thread_id)
            if not answer.ok and not answer.is_client_error:
                left.append(thread_id)
            del self.threads[thread_id]
        return left

    def forget(self, thread_id: str) -> None:
        """Do not remove a thread: it is gone already."""
        self.threads.pop(thread_id, None)

    def _book(self, exchange: Exchange) -> None:
        if len(self.journal.exchanges) >= self.limits.requests:
            raise BudgetSpentError(f"{self.limits.requests} requests were sent")
        if sum(len(past.body) for past in self.journal.exchanges) > self.limits.total:
            raise BudgetSpentError(f"the server sent more than {self.limits.total:,} bytes")
        self.journal.exchanges.append(exchange)

    def _remember(self, operation: str, exchange: Exchange) -> None:
        if operation != "threads.create":
            return
        # A backend of its own design may answer with JSON; its thread is removed as well.
        answer = None if exchange.events else exchange.json
        found = exchange.thread_id or text_at(answer, "id") or text_at(answer, "thread_id")
        if found := found or text_at(dig(answer, "thread"), "id"):
            self.threads[found] = None

    def _describe(self, method: str, content: bytes) -> str:
        who = f" as {self.name}" if self.name else ""
        shown = shorten(_readable(content), _SENT_SHOWN)
        return f"{method} {shown}{who}".replace("  ", " ")


def user_input(
    text: str, *, attachments: tuple[str, ...] = (), quoted_text: str = ""
) -> dict[str, Any]:
    """Return a user's message in the form the official client sends it."""
    return {
        "content": [{"type": "input_text", "text": text}],
        "quoted_text": quoted_text,
        "attachments": list(attachments),
        "inference_options": {},
    }


def _readable(content: bytes) -> str:
    """Return a body with the characters that `json.dumps` wrote as escapes, where it can be."""
    text = content.decode("utf-8", "replace")
    if len(content) > _SENT_SHOWN * 10:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
