"""Runs the store's statements on PostgreSQL, one transaction each."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import WeakValueDictionary

import psycopg
from chatkit.store import NotFoundError
from psycopg import errors
from sqlalchemy import BindParameter, Select, cast, false, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.engine import Dialect, make_url

from app.base import StoreUnavailableError
from app.database.interface import Parameters, Rows
from app.database.pool import Pool
from app.database.schema import MIGRATE, require_revision
from app.database.tables import metadata

__all__ = ["BYTE_ORDER", "DIALECT", "PostgresDatabase", "insert", "strings_in"]

DIALECT: Dialect = make_url("postgresql+psycopg://").get_dialect()()
"""What statements are compiled with."""

BYTE_ORDER = "C"
"""The collation that orders texts by their characters' numbers."""

_PING_PATIENCE = 2.0
"""How long a health check waits at most, in seconds: who asks does not wait much longer."""
_FULL = 10.0
"""For how long a disk counts as full after a write has failed, in seconds."""
_ATTEMPTS = 20
"""How often a statement is tried that collides with those of other processes."""

_COLLISIONS = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_REASONS: dict[type[psycopg.Error], str] = {
    errors.ReadOnlySqlTransaction: "The database is read-only.",
    errors.DiskFull: "The disk of the database is full.",
    errors.UndefinedTable: "A table is missing in the database.",
    errors.UndefinedColumn: "A column is missing in the database.",
    errors.InsufficientPrivilege: "The database user lacks a privilege.",
    errors.TooManyConnections: "The database accepts no more connections.",
}
"""What clients may see; the driver's own message can name hosts and users."""

_REVISION = "SELECT version_num FROM alembic_version"
_FLUSH = "SELECT version_num, pg_logical_emit_message(true, 'ping', '') FROM alembic_version"
"""Commits to the disk what no table keeps."""


def strings_in(array: BindParameter[str]) -> Select[str]:
    """Select the strings of a JSON array."""
    return select(func.jsonb_array_elements_text(cast(array, JSONB)).column_valued("value"))


class PostgresDatabase:
    """Runs statements; one that has begun ends before its caller's cancellation takes effect.

    Args:
        conninfo: What libpq connects to.
        pool_size: Maximum number of connections.
        patience: How long to wait for a connection, and then for a statement, in seconds.
    """

    def __init__(self, conninfo: str, pool_size: int, patience: float) -> None:
        self._pool = Pool(conninfo, pool_size, patience)
        self._patience = patience
        self._ping_patience = min(patience, _PING_PATIENCE)
        self._probe = _probe()
        self._full_until = 0.0
        self._threads: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, statement: str, parameters: Parameters) -> Rows:
        """Run a query.

        Raises:
            StoreUnavailableError: The database cannot be used.
        """
        with _translated_errors():
            return await self._pool.run(statement, parameters, self._patience)

    async def write(self, statement: str, parameters: Parameters) -> Rows:
        """Run a statement that is on the disk when this returns, and return its rows.

        Raises:
            NotFoundError: It refers to a row that has been deleted.
            StoreUnavailableError: The database cannot be used.
        """
        with _translated_errors():
            lock = await self._wait_to_write(parameters.get("thread"))
            try:
                return await self._retry(statement, parameters)
            except errors.DiskFull:
                # A ping is short: it may still find room where a message does not.
                self._full_until = time.monotonic() + _FULL
                raise
            finally:
                lock.release()

    async def ping(self) -> None:
        """Return if the database can be written to and has the tables that this code needs.

        Raises:
            StoreUnavailableError: It cannot be used; the text gives the reason.
        """
        with _translated_errors():
            try:
                rows = await self._pool.run(self._probe, {}, self._ping_patience)
            except errors.UndefinedTable:
                await self._require_tables()
                raise
        require_revision([row[0] for row in rows])
        if time.monotonic() < self._full_until:
            raise StoreUnavailableError(_REASONS[errors.DiskFull])

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    async def _wait_to_write(self, thread_id: str | None) -> asyncio.Lock:
        """Let one write at a time into a thread, which holds the lock that is returned.

        Several would collide, and if another program locked the thread, they would wait with
        all connections that there are.
        """
        if thread_id is None:
            lock = asyncio.Lock()
        else:
            lock = self._threads.setdefault(thread_id, asyncio.Lock())
        async with asyncio.timeout(self._patience if lock.locked() else None):
            await lock.acquire()
        return lock

    async def _retry(self, statement: str, parameters: Parameters) -> Rows:
        """Run a statement until it does not collide with one of another process.

        The number of a new item is the last one plus one, as it was when the statement began.
        """
        for attempt in range(1, _ATTEMPTS):
            with suppress(*_COLLISIONS):
                return await self._pool.run(statement, parameters, self._patience)
            await asyncio.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311 # nosec B311 # not a secret
        return await self._pool.run(statement, parameters, self._patience)

    async def _require_tables(self) -> None:
        """Raise `StoreUnavailableError` if the migrations have not run."""
        try:
            rows = await self._pool.run(_REVISION, {}, self._ping_patience)
        except errors.UndefinedTable:
            raise StoreUnavailableError(f"The database has no tables yet; {MIGRATE}") from None
        require_revision([row[0] for row in rows])


def _probe() -> str:
    """Return a statement that fails if a table is missing or must not be written to."""
    updates = []
    for number, table in enumerate(metadata.tables.values()):
        *_, column = table.columns
        unchanged = update(table).values({column: column}).where(false())
        updates.append(f"t{number} AS ({unchanged.compile(dialect=DIALECT)})")
    return f"WITH {', '.join(updates)} {_FLUSH}"


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except errors.ForeignKeyViolation as error:
        raise NotFoundError("The thread or the item has been deleted.") from error
    except psycopg.Error as error:
        raise StoreUnavailableError(_reason(error)) from error
    except (TimeoutError, OSError) as error:
        raise StoreUnavailableError("The database does not answer.") from error


def _reason(error: psycopg.Error) -> str:
    return _REASONS.get(type(error), "The database does not answer.")
