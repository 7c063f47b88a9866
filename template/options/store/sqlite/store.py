"""Keeps conversations in one SQLite file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy
from pydantic import field_validator
from sqlalchemy import Engine, NullPool, event, make_url
from sqlalchemy.exc import ArgumentError

from app.base import ChatStore
from app.common_settings import CommonSettings
from app.database.driver import SqliteDatabase
from app.database.file import connect
from app.database.schema import migration, upgrade
from app.database.store import SqlStore
from app.database.transfer import Link, open_connection

_EXAMPLE = "sqlite:///chatkit.db"


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
        if url.query:
            raise ValueError(f"has options after its question mark; use {_EXAMPLE}")
        return value

    @field_validator("workers")
    @classmethod
    def require_one_process(cls, value: int) -> int:
        """Reject several processes: each would only order the turns that it runs itself."""
        if value > 1:
            raise ValueError("must be 1: several processes cannot answer in turn on a SQLite file")
        return value

    @property
    def file(self) -> Path:
        """The path of the file."""
        return Path(make_url(self.database_url).database or "")


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open the file; in development, also create it and bring its tables up to date.

    Raises:
        StartupError: The file cannot be opened or its tables cannot be changed.
    """
    if settings.app_env == "development":
        await migrate(settings)
    database = await SqliteDatabase.open(settings.file)
    try:
        yield SqlStore(database)
    finally:
        await database.close()


@asynccontextmanager
async def open_link(settings: StoreSettings) -> AsyncIterator[Link]:
    """Open the file to export from it, or to import; in development, also migrate its tables.

    Raises:
        StartupError: The file cannot be opened or its tables cannot be changed.
    """
    if settings.app_env == "development":
        await migrate(settings)
    # Locks nothing: the backend can write while all is read as it was at the beginning.
    reading = _engine(settings, "BEGIN")
    with open_connection(reading) as snapshot, open_connection(create_engine(settings)) as writing:
        yield Link(snapshot, writing)


async def migrate(settings: StoreSettings) -> None:
    """Create the file if there is none, and bring its tables up to date.

    Raises:
        StartupError: The file cannot be opened or its tables cannot be changed.
    """
    await asyncio.to_thread(_migrate, settings)


def _migrate(settings: StoreSettings) -> None:
    with migration(create_engine(settings)) as connection:
        upgrade(connection)


def create_engine(settings: StoreSettings) -> Engine:
    """Return the engine that the migrations and imports run on."""
    # Takes the write lock immediately: a transaction that reads first may not get it later.
    return _engine(settings, "BEGIN IMMEDIATE")


def _engine(settings: StoreSettings, begin: str) -> Engine:
    """Return an engine whose transactions begin with a statement."""
    engine = sqlalchemy.create_engine(
        "sqlite://", creator=lambda: connect(settings.file), poolclass=NullPool
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
