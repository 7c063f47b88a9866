"""Conversations that several checks inspect; each takes place once per run."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from inspect import unwrap
from typing import Any, TypeVar

from chatkit_scaffold.conformance.check import UntestableError
from chatkit_scaffold.conformance.expectations import require_no_server_error, untestable
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, item_text, rows, text_at
from chatkit_scaffold.protocol.limits import InconclusiveError
from chatkit_scaffold.protocol.snapshot import ALL

T = TypeVar("T")

NO_LIMIT = ALL

UNKNOWN_ITEM = "msg_0123456789abcdef0123456789abcdef"

_FIRST_MESSAGE = "Hello! Please answer in three words."
_SECOND_MESSAGE = "Thanks. And once more, please."


def unknown_thread() -> str:
    """Return the id of a thread that does not exist.

    Every call returns another one: if a server creates a thread for it, only the check that made
    the id up may see that thread.
    """
    return f"thr_{secrets.token_hex(16)}"


def fixture(
    build: Callable[[Target], Awaitable[T]],
) -> Callable[[Target], Awaitable[T]]:
    """Run *build* once per target and return the same result to every check.

    An `UntestableError` or `InconclusiveError` is a result too, and is raised for every check.
    """

    @wraps(build)
    async def once(target: Target) -> T:
        if build not in target.fixtures:
            try:
                target.fixtures[build] = await build(target)
            except (UntestableError, InconclusiveError) as error:
                target.fixtures[build] = error
        result: T | UntestableError | InconclusiveError = target.fixtures[build]
        if isinstance(result, UntestableError | InconclusiveError):
            raise result
        return result

    return once


def preset(target: Target, build: Callable[[Target], Awaitable[T]], value: T) -> None:
    """Let every check get *value* from a fixture, which does not run."""
    target.fixtures[unwrap(build)] = value


@fixture
async def probe(target: Target) -> Exchange:
    """The simplest request: a list of at most one thread."""
    return await target.user.call("threads.list", limit=1, order="desc")


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """The first turn of a thread.

    Attributes:
        threads_before: `threads.list` right before the turn.
        turn: The turn.
        threads_after: `threads.list` right after the turn.
    """

    threads_before: Exchange
    turn: Exchange
    threads_after: Exchange


@dataclass(frozen=True, slots=True)
class Conversation:
    """Two turns in one thread, which no check changes.

    Attributes:
        opening: The first turn.
        thread_id: The thread's id, from the first turn.
        read_after_first: `threads.get_by_id` after the first turn.
        threads_before_second: `threads.list` right before the second turn.
        second: The second turn.
        read_after_second: `threads.get_by_id` right after the second turn.
        threads_after: `threads.list` after the second turn.
    """

    opening: FirstTurn
    thread_id: str
    read_after_first: Exchange
    threads_before_second: Exchange
    second: Exchange
    read_after_second: Exchange
    threads_after: Exchange

    @property
    def first(self) -> Exchange:
        """The first turn."""
        return self.opening.turn

    @property
    def items(self) -> list[dict[str, Any]]:
        """The thread's items as read after the second turn, oldest first."""
        return rows(self.read_after_second.json, "items", "data")


@fixture
async def opening(target: Target) -> FirstTurn:
    """The first turn of a thread, with the list of threads before and after it."""
    before = await list_threads(target)
    turn = await target.user.create_thread(_FIRST_MESSAGE)
    return FirstTurn(before, turn, await list_threads(target))


async def first_turn(target: Target) -> tuple[Exchange, Exchange]:
    """`threads.list` before the first turn of a thread, and the turn."""
    start = await opening(target)
    return start.threads_before, start.turn


def require_thread_id(turn: Exchange) -> str:
    """Return the id of the thread that a turn has created; untestable if there is none."""
    if turn.thread_id is None:
        require_no_server_error(turn)
        untestable("threads.create did not return a thread id")
    return turn.thread_id


@fixture
async def conversation(target: Target) -> Conversation:
    """Two turns, with the thread read after each."""
    start = await opening(target)
    user, thread_id = target.user, require_thread_id(start.turn)
    return Conversation(
        opening=start,
        thread_id=thread_id,
        read_after_first=await user.call("threads.get_by_id", thread_id=thread_id),
        threads_before_second=await list_threads(target),
        second=await user.say(thread_id, _SECOND_MESSAGE),
        read_after_second=await user.call("threads.get_by_id", thread_id=thread_id),
        threads_after=await list_threads(target),
    )


async def list_threads(target: Target) -> Exchange:
    """List the first user's threads as the client does."""
    return await target.user.call("threads.list", limit=NO_LIMIT, order="desc")


async def listed_ids(target: Target) -> tuple[Exchange, list[str]]:
    """List the first user's threads; return the response and the ids in it."""
    threads = await list_threads(target)
    if not (threads.ok and isinstance(dig(threads.json, "data"), list)):
        untestable("threads.list does not return a page")
    return threads, ids(rows(threads.json, "data"))


@fixture
async def unknown_read(target: Target) -> Exchange:
    """`threads.get_by_id` for a thread that does not exist, and that nothing was sent to."""
    return await target.user.call("threads.get_by_id", thread_id=unknown_thread())


@dataclass(frozen=True, slots=True)
class OwnThread:
    """A thread of one turn, which belongs to one check.

    Attributes:
        id: Its id.
        turn: The turn.
        read: `threads.get_by_id` after the turn.
    """

    id: str
    turn: Exchange
    read: Exchange

    @property
    def items(self) -> list[dict[str, Any]]:
        """The thread's items as read, oldest first."""
        return rows(self.read.json, "items", "data")


async def own_thread(target: Target, *, user: Chatkit | None = None) -> OwnThread:
    """Create a thread for a check that changes it, and read it back.

    Every call creates another one, so that no check sees what another one did. The thread is
    only returned if it has its own id and our message: on a backend that mixes threads up, a
    check must not rename or delete a conversation that was there before.
    """
    user = user or target.user
    text = f"Note {secrets.token_hex(4)}. Please answer in three words."
    turn = await user.create_thread(text)
    thread_id = require_thread_id(turn)
    read = await user.call("threads.get_by_id", thread_id=thread_id)
    messages = map(item_text, rows(read.json, "items", "data"))
    if text_at(read.json, "id") != thread_id or text not in messages:
        require_no_server_error(read)
        untestable("a new thread cannot be read back with its message")
    return OwnThread(thread_id, turn, read)


@fixture
async def three_turns(target: Target) -> list[Exchange]:
    """One turn in each of three threads, in the order of their creation."""
    turns = [await target.user.create_thread(f"Say: {word}.") for word in ("one", "two", "three")]
    for turn in turns:
        require_thread_id(turn)
    return turns


async def three_threads(target: Target) -> list[str]:
    """The ids of the threads of `three_turns`, oldest first."""
    return [turn.thread_id or "" for turn in await three_turns(target)]


@dataclass(frozen=True, slots=True)
class Retry:
    """A second answer to the last of two messages, in a thread of its own.

    Attributes:
        ids_before: Ids of the thread's items before the retry.
        message_id: The message to answer again.
        turn: The retry.
        read: `threads.get_by_id` after the retry.
    """

    ids_before: list[str]
    message_id: str
    turn: Exchange
    read: Exchange


@fixture
async def retry_last_message(target: Target) -> Retry:
    """Request another answer to the last message of a thread with two turns."""
    user, thread = target.user, await own_thread(target)
    await user.say(thread.id, _SECOND_MESSAGE)
    before = await user.call("threads.get_by_id", thread_id=thread.id)
    items = rows(before.json, "items", "data")
    message_id = text_at([one for one in items if one.get("type") == "user_message"], -1, "id")
    if message_id is None:
        untestable("threads.get_by_id did not return the thread's messages")
    turn = await user.stream("threads.retry_after_item", thread_id=thread.id, item_id=message_id)
    read = await user.call("threads.get_by_id", thread_id=thread.id)
    return Retry(ids(items), message_id, turn, read)
