"""Conversations that several checks look at: each takes place once per run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from chatkit_scaffold.conformance.check import UntestableError
from chatkit_scaffold.conformance.expectations import untestable
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, ids, item_text, rows, text_at

T = TypeVar("T")

EVERYTHING = 9999
"""The `limit` with which the official client lists threads."""

UNKNOWN_THREAD = "thr_0123456789abcdef0123456789abcdef"
UNKNOWN_ITEM = "msg_0123456789abcdef0123456789abcdef"

_OPENING = "Hello! Please answer in three words."
_SECOND = "Thanks. And once more, please."
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_COUNT = f"Please count to a hundred in words, all of them, as in: {_NUMBERS} and so on."
_PIECES_BEFORE_STOP = 3
_REQUESTS_BETWEEN = 7
_PAUSE_BETWEEN = 0.2


def fixture(
    build: Callable[[Target], Awaitable[T]],
) -> Callable[[Target], Awaitable[T]]:
    """Run *build* once per target and give every check the same result.

    An `UntestableError` is kept as well, so a server that lacks something is asked only once.
    """

    @wraps(build)
    async def once(target: Target) -> T:
        if build not in target.fixtures:
            try:
                target.fixtures[build] = await build(target)
            except UntestableError as error:
                target.fixtures[build] = error
        result: T | UntestableError = target.fixtures[build]
        if isinstance(result, UntestableError):
            raise result
        return result

    return once


@fixture
async def probe(target: Target) -> Exchange:
    """The simplest request: a list of one thread."""
    return await target.user.call("threads.list", limit=1, order="desc")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Two turns in one thread.

    Attributes:
        before: The list of threads as it was before.
        created: The first turn.
        thread_id: The thread's id, from the first turn.
        read_first: `threads.get_by_id` straight after the first turn.
        second: The second turn.
        read: `threads.get_by_id` after it.
        listed: The list of threads after it.
    """

    before: Exchange
    created: Exchange
    thread_id: str
    read_first: Exchange
    second: Exchange
    read: Exchange
    listed: Exchange

    @property
    def items(self) -> list[dict[str, Any]]:
        """The thread's items as read back, oldest first."""
        return rows(self.read.json, "items", "data")


@fixture
async def opening(target: Target) -> tuple[Exchange, Exchange]:
    """The list of threads before anything was made, and a first turn."""
    before = await target.user.call("threads.list", limit=EVERYTHING, order="desc")
    return before, await target.user.create_thread(_OPENING)


@fixture
async def conversation(target: Target) -> Conversation:
    """Two turns, read back after each."""
    before, created = await opening(target)
    user, thread_id = target.user, created.thread_id
    if thread_id is None:
        untestable("threads.create did not tell the id of a thread")
    return Conversation(
        before=before,
        created=created,
        thread_id=thread_id,
        read_first=await user.call("threads.get_by_id", thread_id=thread_id),
        second=await user.say(thread_id, _SECOND),
        read=await user.call("threads.get_by_id", thread_id=thread_id),
        listed=await user.call("threads.list", limit=EVERYTHING, order="desc"),
    )


@dataclass(frozen=True, slots=True)
class Parallel:
    """Two answers at the same time, and requests between their words.

    Attributes:
        streams: The two turns, each in a thread of its own.
        between: The slowest of the `threads.list` that were sent meanwhile.
    """

    streams: tuple[Exchange, Exchange]
    between: Exchange


@fixture
async def parallel(target: Target) -> Parallel:
    """See `ask_in_parallel`."""
    return await ask_in_parallel(target)


async def ask_in_parallel(target: Target) -> Parallel:
    """Ask for two long answers at once, and now and then for the list of threads."""
    spoken = asyncio.Event()

    def watch(exchange: Exchange) -> bool:
        if exchange.events and exchange.events[-1].type == "thread.item.updated":
            spoken.set()
        return False

    user = target.user
    turns = [
        asyncio.create_task(user.create_thread(f"{_COUNT} {fruit}.", watch=watch))
        for fruit in ("Apples", "Pears")
    ]
    try:
        await _first_word(spoken, turns)
        between = []
        for _ in range(_REQUESTS_BETWEEN):
            between.append(await user.call("threads.list", limit=1, order="desc"))
            # Spread over the answers, as a server may be held up at any time of them.
            _, running = await asyncio.wait(turns, timeout=_PAUSE_BETWEEN)
            if not running:
                break
        first, second = await asyncio.gather(*turns)
        return Parallel((first, second), max(between, key=lambda answer: answer.seconds))
    finally:
        for turn in turns:
            turn.cancel()


async def _first_word(spoken: asyncio.Event, turns: Sequence[asyncio.Task[Exchange]]) -> None:
    """Wait until some of an answer has come, or one of them has ended."""
    word = asyncio.create_task(spoken.wait())
    await asyncio.wait({word, *turns}, return_when=asyncio.FIRST_COMPLETED)
    word.cancel()


@dataclass(frozen=True, slots=True)
class Stopped:
    """An answer that the user stopped.

    Attributes:
        turn: The turn, up to where the connection was closed.
        thread_id: Its thread.
        shown: The text that had been shown by then.
        read: `threads.get_by_id` once the server has taken note, or has had time to.
    """

    turn: Exchange
    thread_id: str
    shown: str
    read: Exchange


@fixture
async def stopped(target: Target) -> Stopped | None:
    """Stop an answer after a few words; None if answers are too short for that."""
    turn = await target.user.create_thread(_COUNT, watch=_spoken(_PIECES_BEFORE_STOP))
    thread_id = turn.thread_id
    if thread_id is None:
        untestable("threads.create did not tell the id of a thread")
    if not turn.stopped or turn.answers:
        return None
    shown = "".join(turn.deltas)
    read = await _read_until(target.user, thread_id, lambda found: _holds(found, shown))
    return Stopped(turn, thread_id, shown, read)


@fixture
async def library(target: Target) -> list[Exchange]:
    """Three threads of one turn each, in the order in which they were made."""
    turns = [await target.user.create_thread(f"Say: {word}.") for word in ("one", "two", "three")]
    if not all(turn.thread_id for turn in turns):
        untestable("threads.create did not tell the id of a thread")
    return turns


def library_ids(turns: list[Exchange]) -> list[str]:
    """Return the ids of the library's threads, oldest first."""
    return [turn.thread_id or "" for turn in turns]


@dataclass(frozen=True, slots=True)
class Retried:
    """A second answer to the last message of the conversation.

    Attributes:
        before: Ids of the thread's items before.
        message_id: The message that was answered again.
        turn: The retry.
        read: `threads.get_by_id` after it.
    """

    before: list[str]
    message_id: str
    turn: Exchange
    read: Exchange


@fixture
async def retried(target: Target) -> Retried:
    """Ask for another answer to the conversation's last message."""
    held = await conversation(target)
    messages = [item for item in held.items if item.get("type") == "user_message"]
    message_id = text_at(messages, -1, "id")
    if message_id is None:
        untestable("the conversation cannot be read back")
    turn = await target.user.stream(
        "threads.retry_after_item", thread_id=held.thread_id, item_id=message_id
    )
    read = await target.user.call("threads.get_by_id", thread_id=held.thread_id)
    return Retried(ids(held.items), message_id, turn, read)


def _spoken(pieces: int) -> Callable[[Exchange], bool]:
    return lambda exchange: len(exchange.deltas) >= pieces


def _holds(exchange: Exchange, text: str) -> bool:
    items = rows(exchange.json, "items", "data")
    return any(
        text.strip() in item_text(item) for item in items if item.get("type") == "assistant_message"
    )


async def _read_until(
    user: Chatkit, thread_id: str, settled: Callable[[Exchange], bool]
) -> Exchange:
    """Read a thread until it is as wanted: a server takes a moment to notice a stop."""
    for delay in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        read = await user.call("threads.get_by_id", thread_id=thread_id)
        if settled(read):
            return read
        await asyncio.sleep(delay)
    return await user.call("threads.get_by_id", thread_id=thread_id)
