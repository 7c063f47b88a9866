"""Connections to the server, on which statements run one at a time."""

import asyncio
import select
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection, errors

from app.base import StoreUnavailableError
from app.database.interface import Parameters, Rows

_CANCEL_PATIENCE = 1.0
"""How long the server may take to end a statement that has been cancelled, in seconds."""
_SILENCE = 1.0
"""How long nobody waits for a server that has just not answered, in seconds."""


class Pool:
    """Opens connections on demand and keeps them for later statements.

    The task that needs a connection opens it, so that a server that refuses connections is an
    error at once, and one that is back is used at once.

    Args:
        conninfo: What libpq connects to.
        size: Maximum number of connections.
        patience: How long a statement usually waits, in seconds.
    """

    def __init__(self, conninfo: str, size: int, patience: float) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._idle: list[AsyncConnection] = []
        self._closed = False
        self._silent_until = 0.0

    async def run(self, statement: str, parameters: Parameters, patience: float) -> Rows:
        """Run a statement in its own transaction and return its rows.

        It runs again if its connection breaks, although it may have been committed before. For
        all statements of this package that is harmless: at worst, a thread that was deleted is
        not found, or a message is counted twice.

        Args:
            statement: With placeholders such as `%(name)s`.
            parameters: The placeholders' values.
            patience: How long to wait until a connection is free, then for a new one, and then
                for the statement, in seconds.

        Raises:
            StoreUnavailableError: All connections are in use, or the server does not answer.
            psycopg.Error: The server refuses the connection or the statement.
        """
        async with self._connection(patience) as connection:
            try:
                return await self._execute(connection, statement, parameters, patience)
            except psycopg.Error as error:
                if not _is_lost(connection, error):
                    raise
                await connection.close()
        # The others lead to the same server, which has gone or changed its role.
        self._close_idle()
        async with self._connection(patience) as connection:
            return await self._execute(connection, statement, parameters, patience)

    def close(self) -> None:
        """Close all connections; those in use as soon as they are free."""
        self._closed = True
        self._close_idle()

    @asynccontextmanager
    async def _connection(self, patience: float) -> AsyncIterator[AsyncConnection]:
        """Lend a connection; waiting for it can be cancelled at any time."""
        if time.monotonic() < self._silent_until:
            raise StoreUnavailableError("The database does not answer.")
        await self._wait_until_free(patience)
        try:
            connection = self._take_idle() or await self._connect(patience)
            try:
                yield connection
            finally:
                await self._put_back(connection)
        finally:
            self._free.release()

    async def _wait_until_free(self, patience: float) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(patience):
                await self._free.acquire()
        except TimeoutError:
            raise StoreUnavailableError("All connections to the database are in use.") from None

    def _take_idle(self) -> AsyncConnection | None:
        """Return the connection that was used last, if one still works."""
        while self._idle:
            connection = self._idle.pop()
            if not _has_ended(connection):
                return connection
            connection.pgconn.finish()
        return None

    async def _connect(self, patience: float) -> AsyncConnection:
        try:
            async with asyncio.timeout(patience):
                # Poolers such as PgBouncer can give each transaction a different server
                # connection, on which earlier prepared statements do not exist.
                return await AsyncConnection.connect(
                    self._conninfo, autocommit=True, prepare_threshold=None
                )
        except (TimeoutError, errors.ConnectionTimeout) as error:
            # A server that wakes up may take longer than a health check waits.
            if patience >= self._patience:
                raise self._silence() from error
            raise StoreUnavailableError("The database does not answer.") from error

    async def _put_back(self, connection: AsyncConnection) -> None:
        if self._closed:
            await connection.close()
        if not connection.closed:
            self._idle.append(connection)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().pgconn.finish()

    async def _execute(
        self, connection: AsyncConnection, statement: str, parameters: Parameters, patience: float
    ) -> Rows:
        """Run a statement on a connection, within limits of time.

        The limits are ours: many poolers refuse `statement_timeout` as an option of a connection.
        When a task is cancelled, psycopg tells the server to end the statement, such as one that
        waits for a lock. When it is cancelled again, psycopg closes the connection.
        """
        task = asyncio.create_task(_fetch(connection, statement, parameters))
        loop = asyncio.get_running_loop()
        limits = [
            loop.call_later(patience, task.cancel),
            loop.call_later(patience + _CANCEL_PATIENCE, task.cancel),
        ]
        try:
            return await _complete(task)
        except TimeoutError:
            if connection.closed:
                raise self._silence() from None
            # The server may react late, and must not end the next statement.
            await connection.close()
            raise StoreUnavailableError(f"The database takes over {patience:g} s.") from None
        finally:
            for limit in limits:
                limit.cancel()

    def _silence(self) -> StoreUnavailableError:
        """Refuse statements for a moment.

        Otherwise, each statement at the end of a turn would wait for a frozen server anew.
        """
        self._silent_until = time.monotonic() + _SILENCE
        return StoreUnavailableError("The database does not answer.")


async def _fetch(connection: AsyncConnection, statement: str, parameters: Parameters) -> Rows:
    cursor = await connection.execute(statement, parameters)
    return () if cursor.rownumber is None else await cursor.fetchall()


async def _complete(task: asyncio.Task[Rows]) -> Rows:
    """Wait for the task, even if the caller is cancelled meanwhile.

    Raises:
        TimeoutError: The task was cancelled, but not its caller.
    """
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # Retrieved, or asyncio would log it as "never retrieved".
        raise cancelled
    if task.cancelled():
        raise TimeoutError
    return task.result()


def _has_ended(connection: AsyncConnection) -> bool:
    """Return whether the server has ended an idle connection, without asking it.

    To an idle connection, it sends only the reason why it ends it.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _is_lost(connection: AsyncConnection, error: psycopg.Error) -> bool:
    """Return whether the statement may succeed on a new connection.

    Class 08 are errors of the connection, 57P mean that the server shuts down. After a failover,
    the old server is read-only.
    """
    lost = connection.closed or (error.sqlstate or "").startswith(("08", "57P"))
    return lost or isinstance(error, errors.ReadOnlySqlTransaction)
