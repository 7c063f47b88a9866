"""The MCP sessions of all users, each opened at the first need and again after it broke."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Generic, TypeVar

import structlog
from mcp import McpError

from app.base import RequestContext, User
from app.mcp_tools.link import Link, UserAuth
from app.mcp_tools.session import Session, SessionBrokenError

MAX_SESSIONS = 100
"""Sessions that stay open; beyond it, the one that is unused for longest is closed."""

IDLE_SECONDS = 600.0
"""How long an unused session stays open."""

_GOODBYE = 3.0
"""How long sessions may take to end at the server when this process ends, in seconds."""

S = TypeVar("S")
T = TypeVar("T")

OpenSession = Callable[[Link, UserAuth], AbstractAsyncContextManager[S]]
"""Opens a session with one of the MCP clients."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ToolServerError(Exception):
    """The MCP server has not done what it was asked; the text is written for the model."""


class Sessions(Generic[S]):
    """Keeps one session for each user.

    Args:
        link: How the server is reached.
        open_session: Opens a session.
        timeout: How long a call may take, in seconds.

    Attributes:
        owners: The tasks of all sessions, also of those that are being closed.
    """

    def __init__(self, link: Link, open_session: OpenSession[S], timeout: float) -> None:
        self._link = link
        self._open_session = open_session
        self._timeout = timeout
        # By user id; the one that was used last comes last.
        self._sessions: dict[str, Session[S]] = {}
        self.owners: set[asyncio.Task[None]] = set()

    async def call(
        self,
        context: RequestContext,
        action: Callable[[S], Awaitable[T]],
        *,
        repeatable: bool = False,
    ) -> T:
        """Run *action* with the session of the request's user.

        A broken session is opened again, and *action* is repeated once if the server has not begun
        to carry it out.

        Args:
            context: The request, whose user and token the server gets.
            action: What to do with the session.
            repeatable: Whether *action* may be carried out twice, such as listing something.

        Raises:
            ToolServerError: The server refused, cannot be reached or takes too long.
        """
        try:
            async with asyncio.timeout(self._timeout) as limit:
                return await self._call(context, action, repeatable)
        except McpError as error:
            raise ToolServerError(error.error.message) from None
        except TimeoutError:
            if not limit.expired():
                raise
            self._warn(context, f"no answer within {self._timeout:g} seconds (TOOL_TIMEOUT)")
            raise ToolServerError(
                f"There was no answer within {self._timeout:g} seconds; "
                "whether anything was changed is not known."
            ) from None

    async def _call(
        self, context: RequestContext, action: Callable[[S], Awaitable[T]], repeatable: bool
    ) -> T:
        try:
            return await self._attempt(context, action)
        except SessionBrokenError as error:
            self._warn(context, str(error))
            if not (repeatable or error.repeatable):
                raise ToolServerError(
                    "The connection broke; whether anything was changed is not known."
                ) from None
        try:
            return await self._attempt(context, action)
        except SessionBrokenError as error:
            self._warn(context, str(error))
            raise ToolServerError("The tools cannot be reached at the moment.") from None

    async def _attempt(self, context: RequestContext, action: Callable[[S], Awaitable[T]]) -> T:
        session = self._session_for(context.user)
        try:
            return await session.call(action)
        except (SessionBrokenError, asyncio.CancelledError):
            # A call that was cancelled may still occupy the connection.
            self._drop(context.user_id, session)
            raise
        finally:
            session.expire_later(IDLE_SECONDS, partial(self._drop, context.user_id, session))

    def _session_for(self, user: User) -> Session[S]:
        """Return the user's session, which from now on sends this token of the user."""
        session = self._sessions.pop(user.id, None)
        if session is None or not session.usable:
            self._make_room()
            auth = UserAuth(self._link, user)
            session = Session(self._open_session(self._link, auth), auth)
            self.owners.add(session.owner)
            session.owner.add_done_callback(self.owners.discard)
        session.auth.user = user
        self._sessions[user.id] = session
        return session

    def _make_room(self) -> None:
        """Close the session that is unused for longest, if there are too many."""
        if len(self._sessions) >= MAX_SESSIONS:
            for user_id, session in self._sessions.items():
                if not session.calls:
                    return self._drop(user_id, session)

    def _drop(self, user_id: str, session: Session[S]) -> None:
        """Begin no more calls with a session; those that are running may finish."""
        if self._sessions.get(user_id) is session:
            del self._sessions[user_id]
        session.retire()

    @asynccontextmanager
    async def closed_at_end(self) -> AsyncIterator["Sessions[S]"]:
        """Close all sessions when the block is left."""
        try:
            yield self
        finally:
            for user_id, session in list(self._sessions.items()):
                self._drop(user_id, session)
            if self.owners:
                _, late = await asyncio.wait(self.owners, timeout=_GOODBYE)
                for owner in late:
                    owner.cancel()

    def _warn(self, context: RequestContext, reason: str) -> None:
        log.warning("tools disconnected", request_id=context.request_id, reason=reason)
