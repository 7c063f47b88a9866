"""Fixtures of the Redis store."""

import os
import shlex
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.services.store import server_on

_LEASE = "{chatkit}:lease:thr_anna"


@pytest.fixture
def redis(store_env: dict[str, str]) -> Iterator[Redis]:
    """A connection of another program."""
    with Redis.from_url(store_env["REDIS_URL"], decode_responses=True) as client:
        yield client


@pytest.fixture
def outage(store_env: dict[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager that stops the server and starts it again."""
    server = server_on(urlsplit(store_env["REDIS_URL"]).port or 0)

    @contextmanager
    def stopped() -> Iterator[None]:
        server.stop()
        try:
            yield
        finally:
            server.start()

    return stopped


@pytest.fixture
def freeze(redis: Redis) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager in which the server stands still.

    It accepts connections, as the kernel does that for it, and never answers.
    """

    @contextmanager
    def frozen() -> Iterator[None]:
        process = redis.info("server")["process_id"]
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    return frozen


@pytest.fixture
def one_connection() -> dict[str, str]:
    """Environment of a store with one connection."""
    return {"REDIS_CONNECTIONS": "1"}


class Intruder:
    """Changes leases and counters behind the store's back, as other processes and time do."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def take_lease(self) -> None:
        """Give the lease of Anna's thread to another process."""
        self._redis.hset(_LEASE, "holder", "other")

    def crash(self) -> None:
        """Leave a lease of Anna's thread that nobody renews, and that ends in 0.3 seconds."""
        seconds, microseconds = self._redis.time()
        end = seconds * 1000 + microseconds // 1000 + 300
        self._redis.hset(_LEASE, mapping={"holder": "crashed", "until": end})

    def delete_lease(self) -> None:
        """Delete the lease of Anna's thread."""
        self._redis.delete(_LEASE)

    def end_of_lease(self) -> object:
        """Return when the lease of Anna's thread ends."""
        return self._redis.hget(_LEASE, "until")

    def count_leases(self) -> int:
        """Return how many leases there are."""
        return len(self._redis.keys("{chatkit}:lease:*"))

    def expire_counters(self) -> None:
        """Let the windows of all counters end."""
        for key in self._redis.keys("{chatkit}:counters:*"):
            self._redis.pexpire(key, -1)

    def count_counters(self) -> int:
        """Return how many counters are kept."""
        return len(self._redis.keys("{chatkit}:counters:*"))


@pytest.fixture
def intruder(redis: Redis) -> Intruder:
    """What other processes and time do to leases and counters."""
    return Intruder(redis)


@pytest.fixture
def count_work(redis: Redis) -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the values that Redis reads and writes."""
    reading = ("HGET", "HMGET", "HGETALL", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZREVRANGE")

    async def count(call: Awaitable[object]) -> int:
        with redis.monitor() as monitor:  # type: ignore[no-untyped-call]
            await call
            redis.echo("that is all")
            commands = _scripts_commands(monitor.connection)
        work = sum(map(len, commands))
        for command in commands:
            if command[0].upper() in reading:
                work += int(str(redis.eval(_REPLY, 0, *command)))
        assert work, "no command was seen"
        return work

    return count


_REPLY = """
local reply = redis.call(unpack(ARGV))
return type(reply) == 'table' and #reply or 1
"""


def _scripts_commands(connection: Any) -> list[list[str]]:
    """Return the commands that scripts have run, up to an ECHO, as MONITOR shows them."""
    commands: list[list[str]] = []
    while True:
        line: str = connection.read_response()
        origin, _, command = line.partition("] ")
        words = shlex.split(command)
        if words[0].upper() == "ECHO":
            return commands
        if origin.endswith(" lua"):
            commands.append(words)
