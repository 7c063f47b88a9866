"""Long answers that several checks inspect: two at the same time, and one that was stopped."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatkit_scaffold.conformance.fixtures import fixture, require_thread_id
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows
from chatkit_scaffold.protocol.limits import InconclusiveError
from chatkit_scaffold.protocol.pace import rate_limited

_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_COUNT = f"Please count to a hundred in words, all of them, as in: {_NUMBERS} and so on."
_DELTAS_BEFORE_STOP = 3
_LISTS_DURING_STREAMS = 7
_PAUSE_BETWEEN_LISTS = 0.2


@dataclass(frozen=True, slots=True)
class ParallelTurns:
    """Two turns at the same time, with requests between their deltas.

    Attributes:
        users: Who sends each turn; the same user twice if there is only one.
        markers: A random word in each turn's question, which no other turn has.
        turns: The two turns, each in its own thread.
        slowest_list: The slowest of the `threads.list` requests sent meanwhile.
    """

    users: tuple[Chatkit, Chatkit]
    markers: tuple[str, str]
    turns: tuple[Exchange, Exchange]
    slowest_list: Exchange


@fixture
async def parallel_turns(target: Target) -> ParallelTurns:
    """See `stream_in_parallel`."""
    return await stream_in_parallel(target)


async def stream_in_parallel(target: Target) -> ParallelTurns:
    """Request two long answers at once, and list threads while they stream.

    If the caller has credentials of a second user, each user requests one: state that is shared
    by all users is then found as well as state that is shared by the threads of one.
    """
    started = asyncio.Event()

    def watch(exchange: Exchange) -> bool:
        if exchange.events and exchange.events[-1].type == "thread.item.updated":
            started.set()
        return False

    users = (target.user, target.second_user or target.user)
    markers = (f"zebra{secrets.token_hex(2)}", f"walrus{secrets.token_hex(2)}")
    tasks = [
        asyncio.create_task(_turn_or_refusal(user, marker, watch))
        for user, marker in zip(users, markers, strict=True)
    ]
    try:
        await _first_delta(started, tasks)
        lists = []
        for _ in range(_LISTS_DURING_STREAMS):
            lists.append(await target.user.call("threads.list", limit=1, order="desc"))
            # Spread over the streams, because a server may block at any time during them.
            _, running = await asyncio.wait(tasks, timeout=_PAUSE_BETWEEN_LISTS)
            if not running:
                break
        first, second = await asyncio.gather(*tasks)
        if first.is_refusal and second.is_refusal:
            raise InconclusiveError(rate_limited(first))
        slowest = max(lists, key=lambda exchange: exchange.seconds)
        return ParallelTurns(users, markers, (first, second), slowest)
    finally:
        for task in tasks:
            task.cancel()


async def _turn_or_refusal(
    user: Chatkit, marker: str, watch: Callable[[Exchange], bool]
) -> Exchange:
    """Request a long answer; return the refusal of a server that writes one answer at a time."""
    try:
        return await user.create_thread(_count_with(marker), watch=watch)
    except InconclusiveError:
        created = [one for one in user.journal.exchanges if one.operation == "threads.create"]
        refused = [one for one in created if one.is_refusal and marker in one.sent]
        if not refused:
            raise
        return refused[-1]


def _count_with(marker: str) -> str:
    """Return a question whose answer is long and has *marker* in many places.

    An echo repeats the example. A model writes the marker a dozen times, so that at least one
    is in one piece even if its tokens go to two streams by turns.
    """
    numbers = _NUMBERS.split()
    example = " ".join([*numbers[:10], marker, *numbers[10:], marker])
    return (
        f"Please count to a hundred in words, all of them, and write {marker} after every ten, "
        f"as in: {example} and so on."
    )


async def _first_delta(started: asyncio.Event, tasks: Sequence[asyncio.Task[Exchange]]) -> None:
    """Wait until a delta has arrived or one of the turns has ended."""
    delta = asyncio.create_task(started.wait())
    await asyncio.wait({delta, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    delta.cancel()


@dataclass(frozen=True, slots=True)
class StoppedAnswer:
    """An answer that the user stopped.

    Attributes:
        turn: The turn, up to the moment when the client closed the connection.
        thread_id: Its thread.
        shown: The text that the user has seen.
        read: `threads.get_by_id` once the text is stored, or after three seconds.
    """

    turn: Exchange
    thread_id: str
    shown: str
    read: Exchange


@fixture
async def stopped_answer(target: Target) -> StoppedAnswer | None:
    """Stop an answer after a few deltas; None if answers are too short for that."""
    turn = await target.user.create_thread(_COUNT, watch=_has_deltas(_DELTAS_BEFORE_STOP))
    thread_id = require_thread_id(turn)
    if not turn.stopped or turn.answers:
        return None
    shown = "".join(turn.deltas)
    read = await _read_until(target.user, thread_id, lambda thread: _has_answer(thread, shown))
    return StoppedAnswer(turn, thread_id, shown, read)


def _has_deltas(count: int) -> Callable[[Exchange], bool]:
    return lambda exchange: len(exchange.deltas) >= count


def _has_answer(thread: Exchange, text: str) -> bool:
    items = rows(thread.json, "items", "data")
    return any(
        text.strip() in item_text(item) for item in items if item.get("type") == "assistant_message"
    )


async def _read_until(
    user: Chatkit, thread_id: str, is_settled: Callable[[Exchange], bool]
) -> Exchange:
    """Read a thread until it has settled: a server takes a moment to notice a stop."""
    for delay in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        read = await user.call("threads.get_by_id", thread_id=thread_id)
        if is_settled(read):
            return read
        await asyncio.sleep(delay)
    return await user.call("threads.get_by_id", thread_id=thread_id)
