"""One user's MCP session."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

import anyio
import httpx
from mcp import McpError
from mcp.types import CONNECTION_CLOSED

from app.mcp_tools.link import UserAuth

_SESSION_TERMINATED = 32600
"""The MCP client's code for a session that the server does not know; it has done nothing."""

_LAST_WORDS = 1.0
"""How long a broken connection may take to say what broke it, in seconds."""

S = TypeVar("S")
T = TypeVar("T")


class SessionBrokenError(Exception):
    """A session could not be opened, or it ended during a call; the text is for the log.

    Attributes:
        repeatable: The server has certainly not begun to carry out the call.
    """

    def __init__(self, reason: str, *, repeatable: bool) -> None:
        super().__init__(reason)
        self.repeatable = repeatable


class Session(Generic[S]):
    """A session, in a task of its own.

    An MCP client has to be closed by the task that opened it, and cancels this task when its
    connection breaks. Calls come from the tasks of turns.

    Args:
        opening: Opens the session with one of the MCP clients.
        auth: Signs its requests.
    """

    def __init__(self, opening: AbstractAsyncContextManager[S], auth: UserAuth) -> None:
        self.auth = auth
        self.calls = 0
        self._failure = "closed"
        self._opened: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._retired = False
        self._unused = asyncio.Event()
        self._expiry: asyncio.TimerHandle | None = None
        self.owner = asyncio.create_task(self._own(opening))

    @property
    def usable(self) -> bool:
        """Whether it is open, or about to be."""
        return not self._retired and not self.owner.done()

    def retire(self) -> None:
        """Close it as soon as no call uses it."""
        self._retired = True
        if self.calls:
            return
        self._unused.set()
        if not self._opened.done():
            self.owner.cancel()

    def expire_later(self, seconds: float, expire: Callable[[], None]) -> None:
        """Call *expire* unless the session is used again within this time."""
        if not self.calls and self.usable:
            self._expiry = asyncio.get_running_loop().call_later(seconds, expire)

    async def call(self, action: Callable[[S], Awaitable[T]]) -> T:
        """Run *action* with the open session.

        Raises:
            SessionBrokenError: The session could not be opened, or has ended.
        """
        self.calls += 1
        if self._expiry is not None:
            self._expiry.cancel()
        try:
            await self._first_of(self._opened)
            if not self._opened.done():
                raise await self._broken(repeatable=True)
            return await self._run(asyncio.ensure_future(action(self._opened.result())))
        finally:
            self.calls -= 1
            if self._retired:
                self.retire()

    async def _own(self, opening: AbstractAsyncContextManager[S]) -> None:
        try:
            async with opening as session:
                self._opened.set_result(session)
                await self._unused.wait()
        except (Exception, BaseExceptionGroup) as error:
            self._failure = _reason(error)

    async def _first_of(self, future: asyncio.Future[Any]) -> None:
        """Wait until *future* is done or the session has ended."""
        await asyncio.wait([future, self.owner], return_when=asyncio.FIRST_COMPLETED)

    async def _run(self, work: asyncio.Future[T]) -> T:
        """Return the result of *work*, unless the session ends: the client may not notice it."""
        try:
            await self._first_of(work)
            if not work.done():
                raise await self._broken(repeatable=False)
            return work.result()
        except McpError as error:
            if error.error.code == _SESSION_TERMINATED:
                reason = "the server does not know the session"
                raise SessionBrokenError(reason, repeatable=True) from None
            if error.error.code != CONNECTION_CLOSED:
                raise
            raise await self._broken(repeatable=False) from None
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            # What was to be sent did not even reach the client's connection.
            raise await self._broken(repeatable=True) from None
        finally:
            work.cancel()
            await asyncio.wait({work})

    async def _broken(self, *, repeatable: bool) -> SessionBrokenError:
        """Return the error, with the reason that the owner is about to find."""
        await asyncio.wait({self.owner}, timeout=_LAST_WORDS)
        return SessionBrokenError(self._failure, repeatable=repeatable)


def _reason(error: BaseException) -> str:
    """Return what ended a session, without addresses, which may contain keys."""
    match error:
        case BaseExceptionGroup():
            return _reason(error.exceptions[0])
        case httpx.HTTPStatusError():
            return f"status {error.response.status_code}"
        case ConnectionError():
            return str(error)
        case _:
            return type(error).__name__
