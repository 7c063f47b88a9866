"""The load generator: a process of its own, so that it shares no interpreter with a server.

Run as `python -m benchmarks.load COMMAND ARGUMENTS`; it prints its result as JSON.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks.wire import (
    DELTA,
    BadResponseError,
    Connection,
    add_request,
    create_request,
    require_turn,
    thread_of,
)

TURNS_PER_THREAD = 10
"""Then a connection begins another thread: chats are short, and the quickstart sorts each one."""


async def turns(url: str, connections: int, seconds: float, create: bool) -> tuple[int, float]:
    """Return how many turns the server completed, and in how many seconds.

    Args:
        url: The ChatKit endpoint.
        connections: Kept alive, each with one turn at a time.
        seconds: After this time, no turn begins.
        create: Whether each turn creates a thread, or most of them continue one.
    """
    opened = [await Connection.open(url) for _ in range(connections)]
    begin = time.perf_counter()
    deadline = begin + seconds
    counts = await asyncio.gather(*(_chat(one, deadline, create) for one in opened))
    took = time.perf_counter() - begin
    for one in opened:
        one.close()
    return sum(counts), took


async def _chat(connection: Connection, deadline: float, create: bool) -> int:
    """Run turns until the deadline; return their number."""
    count = 0
    thread = ""
    while time.perf_counter() < deadline:
        new = create or count % TURNS_PER_THREAD == 0
        body = await connection.post(create_request() if new else add_request(thread))
        require_turn(body)
        if new:
            thread = thread_of(body)
        count += 1
    return count


async def record(url: str) -> dict[str, str]:
    """Return the responses to a first and a second message, by operation."""
    connection = await Connection.open(url)
    first = await connection.post(create_request())
    second = await connection.post(add_request(thread_of(first)))
    connection.close()
    for body in (first, second):
        require_turn(body)
    return {"threads.create": first.decode(), "threads.add_user_message": second.decode()}


async def requests(sent: dict[str, tuple[str, str]], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each request, sent one after another in every round.

    Args:
        sent: A URL and a body, by name.
        rounds: How often each is sent; what the first round warms up does not count.
    """
    opened = {url: await Connection.open(url) for url, _ in sent.values()}
    took: dict[str, list[float]] = {name: [] for name in sent}
    for _ in range(rounds + 1):
        for name, (url, body) in sent.items():
            begin = time.perf_counter()
            await opened[url].post(body.encode())
            took[name].append((time.perf_counter() - begin) * 1000)
    for connection in opened.values():
        connection.close()
    return {name: statistics.median(times[1:]) for name, times in took.items()}


async def delays(url: str, streams: int, rounds: int) -> list[float]:
    """Return the milliseconds that each delta takes from the agent to here, sorted."""
    found: list[float] = []
    opened = [await Connection.open(url) for _ in range(streams)]

    async def follow(connection: Connection, offset: float) -> None:
        # Streams of different users do not begin at the same moment.
        await asyncio.sleep(offset)
        for _ in range(rounds):
            reader = DeltaReader(found)
            require_turn(await connection.post(create_request(), reader.receive))

    await asyncio.gather(*(follow(one, index / streams) for index, one in enumerate(opened)))
    for one in opened:
        one.close()
    return sorted(found)


async def first_deltas(url: str, turns: int) -> list[float]:
    """Return the milliseconds until the first delta of each of the next turns."""
    connection = await Connection.open(url)
    found = []
    for _ in range(turns):
        arrived: list[float] = []

        def note(data: bytes, arrived: list[float] = arrived) -> None:
            if DELTA in data:
                arrived.append(time.perf_counter())

        begin = time.perf_counter()
        require_turn(await connection.post(create_request(), note))
        found.append((arrived[0] - begin) * 1000)
    connection.close()
    return found


class DeltaReader:
    """Reads the time in each delta as it arrives.

    Args:
        found: The delays go here, in milliseconds.
    """

    def __init__(self, found: list[float]) -> None:
        self._found = found
        self._rest = b""

    def receive(self, data: bytes) -> None:
        """Look for deltas in the events that *data* completes."""
        now = time.monotonic_ns()
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if DELTA in event:
                sent = json.loads(event.removeprefix(b"data: "))["update"]["delta"]
                self._found.append((now - int(sent)) / 1e6)


COMMANDS: dict[str, Callable[..., Awaitable[object]]] = {
    "turns": turns,
    "record": record,
    "requests": requests,
    "delays": delays,
    "first_deltas": first_deltas,
}


def main() -> None:
    """Run the command; exit with status 1 if a response is bad."""
    parser = argparse.ArgumentParser(prog="benchmarks.load")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", help="those of the function, as a JSON object")
    given = parser.parse_args()
    run = COMMANDS[given.command]
    try:
        result = uvloop.run(_awaited(run(**json.loads(given.arguments))))
    except BadResponseError as error:
        sys.exit(f"{given.arguments}: {error}")
    print(json.dumps(result))


async def _awaited(result: Awaitable[object]) -> object:
    return await result


if __name__ == "__main__":
    main()
