"""A session is opened once for each user, and again when it broke."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from mcp.types import TextContent

from app.base import RequestContext, User
from app.mcp_tools import sessions as module
from app.mcp_tools.link import Link
from app.mcp_tools.sessions import Sessions, ToolServerError
from app.tools import open_session
from tests.mcp_tools.outside import Outside, outside_server

pytestmark = pytest.mark.anyio

PATIENT = 60.0
"""Seconds; no call takes as long on any machine."""


@pytest.fixture
def outside() -> Iterator[Outside]:
    """A server with sessions."""
    with outside_server() as server:
        yield server


@pytest.fixture
async def caller(outside: Outside) -> AsyncIterator["Caller"]:
    """Calls its tools for any user."""
    caller = Caller(outside, PATIENT)
    async with caller.sessions.closed_at_end():
        yield caller


class Caller:
    """Calls tools as turns do."""

    def __init__(self, outside: Outside, timeout: float) -> None:
        link = Link(outside.url, lambda user: user.token)
        self.sessions = Sessions(link, open_session, timeout)

    async def look_up(self, user_id: str = "alice", token: str | None = None) -> str:
        """Return what the tool answers."""
        result = await self.sessions.call(
            context(user_id, token), lambda session: session.call_tool("look_up", {"word": "tea"})
        )
        [content] = result.content
        assert isinstance(content, TextContent)
        return content.text

    async def hold(self) -> None:
        """Call the tool that does not return."""
        await self.sessions.call(context("alice"), lambda session: session.call_tool("hold", {}))

    async def list(self) -> None:
        """List the tools, which may be repeated."""
        await self.sessions.call(
            context("alice"), lambda session: session.list_tools(), repeatable=True
        )


def context(user_id: str, token: str | None = None) -> RequestContext:
    """Return the context of a user's request."""
    return RequestContext(User(user_id, token=token), "test")


async def test_opened_once_for_each_user(outside: Outside, caller: Caller) -> None:
    """Later calls use the session of the first one; each user has another."""
    assert await caller.look_up() == "tea: see there"
    await caller.list()
    await caller.look_up()
    assert outside.count("initialize") == 1
    await asyncio.gather(caller.look_up("bob"), caller.look_up("bob"))
    assert outside.count("initialize") == 2


async def test_nothing_is_left(outside: Outside) -> None:
    """Closing ends the sessions at the server, and all of their tasks."""
    before = asyncio.all_tasks()
    caller = Caller(outside, PATIENT)
    async with caller.sessions.closed_at_end():
        await asyncio.gather(caller.look_up(), caller.look_up("bob"))
    assert outside.count("DELETE") == 2
    left = asyncio.all_tasks() - before
    if left:
        _, left = await asyncio.wait(left, timeout=5)
    assert left == set()


async def test_token_is_the_users_newest(outside: Outside, caller: Caller) -> None:
    """Each request has the newest token of its own user, and none if there is none."""
    for user_id, token in (("alice", "a1"), ("bob", "b1"), ("alice", "a2"), ("bob", None)):
        await caller.look_up(user_id, token)
        expected = token and f"Bearer {token}"
        calls = [seen for seen in outside.requests if seen.method == "tools/call"]
        assert calls[-1].authorization == expected
    assert outside.count("initialize") == 2


async def test_server_that_was_restarted(outside: Outside, caller: Caller) -> None:
    """The server does not know the session: the call is repeated in a new one."""
    await caller.look_up()
    outside.stop()
    outside.start()
    assert await caller.look_up() == "tea: see there"
    assert outside.count("initialize") == 2


async def test_server_that_is_down(outside: Outside, caller: Caller) -> None:
    """Calls fail until the server is back, and then work again."""
    await caller.look_up()
    outside.stop()
    for call in (caller.look_up, caller.list):
        with pytest.raises(ToolServerError):
            await call()
    outside.start()
    assert await caller.look_up() == "tea: see there"


async def test_call_that_may_have_been_done_is_not_repeated(
    outside: Outside, caller: Caller
) -> None:
    """The connection breaks while the server works: nobody knows how far it got."""
    call = asyncio.create_task(caller.hold())
    await asyncio.to_thread(outside.held.wait)
    await asyncio.to_thread(outside.stop)
    with pytest.raises(ToolServerError, match="whether anything was changed is not known"):
        await call
    assert outside.count("tools/call") == 1
    outside.start()
    assert await caller.look_up() == "tea: see there"


async def test_call_that_takes_too_long(outside: Outside) -> None:
    """The model gets an error instead of waiting."""
    caller = Caller(outside, timeout=0.3)
    async with caller.sessions.closed_at_end():
        with pytest.raises(ToolServerError, match=r"no answer within 0\.3 seconds"):
            await caller.hold()


async def test_stopped_call(outside: Outside, caller: Caller) -> None:
    """The next call does not wait for one that the user has stopped."""
    call = asyncio.create_task(caller.hold())
    await asyncio.to_thread(outside.held.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await caller.look_up() == "tea: see there"


async def test_number_of_sessions_is_limited(
    outside: Outside, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that is unused for longest makes room for another."""
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    for user_id in ("alice", "bob", "alice", "carol", "alice"):
        await caller.look_up(user_id)
    assert outside.count("initialize") == 3
    await caller.look_up("bob")
    assert outside.count("initialize") == 4


async def test_unused_session_is_closed(
    outside: Outside, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends at the server as well, and the next call opens another."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0)
    await caller.look_up()
    monkeypatch.setattr(module, "IDLE_SECONDS", PATIENT)
    [owner] = caller.sessions.owners
    await asyncio.wait([owner])
    await caller.look_up()
    assert outside.count("initialize") == 2
