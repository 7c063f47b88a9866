"""Keeps conversations in one SQLite file."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import field_validator
from sqlalchemy import URL, Connection, NullPool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.base import ChatStore
from app.common_settings import CommonSettings
from app.database.schema import migration, startup_errors, upgrade
from app.database.store import SqlStore

_EXAMPLE = "sqlite:///chatkit.db"
_BUSY_TIMEOUT = 5.0
"""How long to wait for another process that writes, in seconds."""

_ENABLE_WAL = "PRAGMA journal_mode = WAL"
_PRAGMAS = (
    # First, so that it covers the rest.
    f"PRAGMA busy_timeout = {_BUSY_TIMEOUT * 1000:.0f}",
    # Allow reads during a write.
    _ENABLE_WAL,
    # Committed data must survive a power cut: flush to the disk at every commit.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


class StoreSettings(CommonSettings):
    """Where the file is."""

    database_url: str = _EXAMPLE
    """`sqlite:///relative/path.db` or `sqlite:////absolute/path.db`."""

    @field_validator("database_url")
    @classmethod
    def require_file(cls, value: str) -> str:
        """Reject a URL that does not name a file."""
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError(f"is not a URL; use {_EXAMPLE}") from None
        if url.get_backend_name() != "sqlite":
            raise ValueError(f"is a URL for {url.get_backend_name()}; use {_EXAMPLE}")
        if url.database in {None, "", ":memory:"}:
            raise ValueError(f"does not name a file; use {_EXAMPLE}")
        return value


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open the file; in development, also create it and bring its tables up to date.

    Raises:
        StartupError: The file cannot be opened or its tables cannot be changed.
    """
    if settings.app_env == "development":
        await migrate(settings)
    reader, writer = create_reader(settings), create_writer(settings)
    try:
        yield SqlStore(reader=reader, writer=writer)
    finally:
        await reader.dispose()
        await writer.dispose()


async def migrate(settings: StoreSettings) -> None:
    """Create the file if there is none, and bring its tables up to date.

    Raises:
        StartupError: The file cannot be opened or its tables cannot be changed.
    """
    await asyncio.to_thread(_prepare_file, settings)
    writer = create_writer(settings)
    try:
        async with migration(writer) as connection:
            await connection.run_sync(upgrade)
    finally:
        await writer.dispose()


def create_reader(settings: StoreSettings) -> AsyncEngine:
    """Return the engine that reads, on several connections at once."""
    engine = create_async_engine(_url(settings), isolation_level="AUTOCOMMIT", hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _set_up)
    return engine


def create_writer(settings: StoreSettings) -> AsyncEngine:
    """Return the engine that writes.

    SQLite allows one writer at a time, and connections that wait for their turn poll. With a
    single connection, the tasks of this process queue up for it in order instead.
    """
    engine = create_async_engine(_url(settings), pool_size=1, max_overflow=0, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare_file(settings: StoreSettings) -> None:
    """Open the file once, or create it, and enable its write-ahead log, which lasts.

    aiosqlite does not wait for the thread of a connection that it cannot open. At a failed
    start, the event loop would be closed before that thread reports to it.

    Raises:
        StartupError: The file cannot be opened.
    """
    url = make_url(settings.database_url).set(drivername="sqlite")
    with startup_errors(), create_engine(url, poolclass=NullPool).connect() as connection:
        deadline = time.monotonic() + _BUSY_TIMEOUT
        while not _enables_wal(connection, deadline):
            time.sleep(0.02)


def _enables_wal(connection: Connection, deadline: float) -> bool:
    """Enable the write-ahead log, unless another process keeps the file locked.

    SQLite ignores `busy_timeout` here when the other process is about to write, such as when
    two processes start at once on a new file.
    """
    try:
        connection.exec_driver_sql(_ENABLE_WAL)
    except OperationalError as error:
        busy = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        if not busy or time.monotonic() > deadline:
            raise
        return False
    return True


def _url(settings: StoreSettings) -> URL:
    return make_url(settings.database_url).set(drivername="sqlite+aiosqlite")


def _set_up(connection: DBAPIConnection, _record: object) -> None:
    """Prepare a new connection."""
    connection.isolation_level = None  # The driver must not begin transactions itself.
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the write lock immediately: a transaction that reads first may not get it later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
