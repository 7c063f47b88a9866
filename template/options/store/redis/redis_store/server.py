"""The connections to Redis, on which commands run within limits of time."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from redis import exceptions
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript

from app.base import StoreUnavailableError
from app.leases import INTERRUPTED
from app.redis_store.keys import KEY_OF_PING
from app.redis_store.scripts import LEASE_LOST, PING

_PING_PATIENCE = 2.0
"""How long a health check waits at most, in seconds: who asks does not wait much longer."""
_SILENCE = 1.0
"""How long nobody waits for a server that has just not answered, in seconds."""

_SCANNED = 1000
"""How many keys Redis looks at before others get their turn."""

Result = TypeVar("Result")

Call = tuple[str, Sequence[str], Sequence[str | int]]
"""A script with its keys and arguments."""

_NO_ANSWER = "Redis does not answer."
_CODES = {
    "OOM": "The memory of Redis is full.",
    "MISCONF": "Redis cannot write to its disk.",
    "READONLY": "Redis is read-only.",
    "NOREPLICAS": "Redis has too few replicas to accept writes.",
    "LOADING": "Redis is still loading its data.",
    "BUSY": "Redis is busy with a script.",
    "NOPERM": "The Redis user lacks a permission.",
    "NOAUTH": "Redis requires a password.",
    "WRONGPASS": "Redis refuses the password.",
    "MOVED": "Redis is a cluster of several nodes, which this store cannot use.",
    "CLUSTERDOWN": "Redis is a cluster that is down.",
    LEASE_LOST: INTERRUPTED,
}
"""What clients may see; the server's own message can name hosts and users."""
_CODE = re.compile(rf"\b({'|'.join(_CODES)})\b")
_REASONS: dict[type[exceptions.RedisError], str] = {
    # Errors whose code redis-py leaves out of the message.
    exceptions.OutOfMemoryError: _CODES["OOM"],
    exceptions.ReadOnlyError: _CODES["READONLY"],
    exceptions.BusyLoadingError: _CODES["LOADING"],
    exceptions.NoPermissionError: _CODES["NOPERM"],
    exceptions.AuthenticationError: _CODES["WRONGPASS"],
    exceptions.MovedError: _CODES["MOVED"],
    exceptions.ClusterDownError: _CODES["CLUSTERDOWN"],
}


_OPTIONS = {
    # Limits of time are ours: redis-py has one for each step of a command.
    "socket_timeout": None,
    "socket_connect_timeout": None,
    "decode_responses": True,
    # Scripts return the same in all versions of the protocol, and all servers have this one.
    "protocol": 2,
}
"""What the rest of this package relies on, whatever the URL says."""


class RedisServer:
    """Runs commands; one that has begun ends before its caller's cancellation takes effect.

    Args:
        options: What redis-py connects with.
        connections: Maximum number of connections.
        patience: How long to wait for a connection, and then for a command, in seconds.
    """

    def __init__(self, options: Mapping[str, Any], connections: int, patience: float) -> None:
        # A connection that turns out to be broken is replaced, and the command sent again,
        # although it may have been run before. For all scripts of this package that is harmless:
        # at worst, a thread that was deleted is not found, or a message is counted twice.
        retry = Retry(NoBackoff(), 1, (exceptions.ConnectionError,))
        self.pool = ConnectionPool(
            **{**options, **_OPTIONS}, retry=retry, max_connections=connections
        )
        self._client = Redis(connection_pool=self.pool)
        self._scripts: dict[str, AsyncScript] = {}
        self._patience = patience
        self._free = asyncio.Semaphore(connections)
        self._silent_until = 0.0

    async def execute(
        self, script: str, keys: Sequence[str], arguments: Sequence[str | int]
    ) -> Any:
        """Run a Lua script and return its result.

        Raises:
            StoreUnavailableError: Redis cannot be used, or the turn has lost its lease.
        """
        prepared = self._prepare(script)
        return await self.run(lambda: prepared(keys, arguments))

    async def execute_all(self, calls: Sequence[Call]) -> list[Any]:
        """Run Lua scripts as one transaction and return their results.

        Raises:
            StoreUnavailableError: Redis cannot be used.
        """

        async def send() -> list[Any]:
            async with self._client.pipeline(transaction=True) as pipeline:
                for script, keys, arguments in calls:
                    await self._prepare(script)(keys, arguments, client=pipeline)
                results: list[Any] = await pipeline.execute()
                return results

        return await self.run(send)

    async def names(self, pattern: str) -> AsyncIterator[str]:
        """Return the names of keys, some of them more than once.

        Args:
            pattern: With `*` for any text.

        Raises:
            StoreUnavailableError: Redis cannot be used.
        """
        cursor: Any = None
        while cursor != 0:
            scan = partial(self._client.scan, cursor or 0, match=pattern, count=_SCANNED)
            cursor, names = await self.run(scan)
            for name in names:
                yield str(name)

    async def ping(self) -> dict[str, Any] | None:
        """Write a key, and return what the server says about itself; None if it refuses that.

        Raises:
            StoreUnavailableError: Redis cannot be used; the text gives the reason.
        """
        return await self.run(self._probe, min(self._patience, _PING_PATIENCE))

    async def run(
        self, command: Callable[[], Awaitable[Result]], patience: float | None = None
    ) -> Result:
        """Run a command and return its result.

        Args:
            command: Sends it, on a connection of the pool; called again after a failover.
            patience: How long to wait, instead of the usual time, in seconds.

        Raises:
            StoreUnavailableError: All connections are in use, or Redis cannot be used.
        """
        if time.monotonic() < self._silent_until:
            raise StoreUnavailableError(_NO_ANSWER)
        patience = self._patience if patience is None else patience
        await self._wait_until_free(patience)
        try:
            return await _complete(asyncio.create_task(self._run(command, patience)))
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close all connections."""
        with suppress(TimeoutError):  # A frozen server does not end TLS.
            async with asyncio.timeout(self._patience):
                await self.pool.aclose()

    def _prepare(self, script: str) -> AsyncScript:
        """Return a script that is sent as its hash, and as a whole if the server lacks it."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        return self._scripts[script]

    async def _probe(self) -> dict[str, Any] | None:
        await self._prepare(PING)([KEY_OF_PING])
        try:
            info: dict[str, Any] = await self._client.info()
        except exceptions.NoPermissionError:
            return None
        return info

    async def _wait_until_free(self, patience: float) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(patience):
                await self._free.acquire()
        except TimeoutError:
            raise StoreUnavailableError("All connections to Redis are in use.") from None

    async def _run(self, command: Callable[[], Awaitable[Result]], patience: float) -> Result:
        try:
            with _translated_errors():
                # redis-py closes the connection of a command that is cancelled: its late reply
                # must not become that of the next command.
                async with asyncio.timeout(patience):
                    return await self._try(command)
        except TimeoutError:
            # Otherwise, each command at the end of a turn would wait for a frozen server anew.
            if patience >= self._patience:
                self._silent_until = time.monotonic() + _SILENCE
            raise StoreUnavailableError(_NO_ANSWER) from None

    async def _try(self, command: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await command()
        except exceptions.ReadOnlyError:
            # After a failover, the old connections lead to what is now a replica.
            await self.pool.disconnect(inuse_connections=False)
            return await command()


async def _complete(task: asyncio.Task[Result]) -> Result:
    """Wait for the task, even if the caller is cancelled meanwhile."""
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # Retrieved, or asyncio would log it as "never retrieved".
        raise cancelled
    return task.result()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except exceptions.RedisError as error:
        raise StoreUnavailableError(_reason(error)) from error
    except TimeoutError:
        raise
    except OSError as error:
        raise StoreUnavailableError(_NO_ANSWER) from error


def _reason(error: exceptions.RedisError) -> str:
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    if code := _CODE.search(str(error)):
        return _CODES[code[1]]
    refused = isinstance(error, exceptions.ResponseError)
    return "Redis refuses a command." if refused else _NO_ANSWER
