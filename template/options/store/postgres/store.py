"""Keeps conversations in PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
import sqlalchemy
from limits.aio.storage import Storage
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field, SecretStr, field_validator
from sqlalchemy import Engine, NullPool, func, select, text

from app.base import ChatStore
from app.common_settings import CommonSettings
from app.database.counters import Counters
from app.database.driver import PostgresDatabase
from app.database.leases import LeasedDatabase, LeaseTable
from app.database.queries import valid_id
from app.database.schema import migration, upgrade
from app.database.store import SqlStore
from app.database.transfer import Link, open_connection
from app.leases import Leases

_EXAMPLE = "postgresql://user:password@localhost:5432/chatkit"
_MIGRATION_LOCK = int.from_bytes(b"chatkit", "big")
"""Any number that nothing else in this database uses as an advisory lock."""
_MIGRATION_PATIENCE = 30
"""How long a migration waits for another one, or for a table that is in use, in seconds."""
_DEFAULTS = {
    # Without these, a lost server is only noticed after many minutes.
    "keepalives_idle": 30,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
}


class StoreSettings(CommonSettings):
    """The address of the database."""

    database_url: SecretStr
    """The provider's `postgres://` or `postgresql://` URL, which contains the password."""
    database_connections: int = Field(default=10, ge=1)
    """Maximum number of connections of each process."""
    database_timeout: float = Field(default=5, gt=0)
    """How long a request waits for a connection, and then for each statement, in seconds."""

    @field_validator("database_url")
    @classmethod
    def require_postgres(cls, value: SecretStr) -> SecretStr:
        """Reject anything but a PostgreSQL URL."""
        url = value.get_secret_value()
        if not url.startswith(("postgres://", "postgresql://")):
            raise ValueError(f"is not a URL for PostgreSQL; use {_EXAMPLE}")
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ValueError(f"{_fault(error)}; use {_EXAMPLE}") from None
        return value

    @property
    def conninfo(self) -> str:
        """What libpq connects to.

        libpq parses the URL, not SQLAlchemy, so that every option of a provider is understood.
        """
        options = conninfo_to_dict(self.database_url.get_secret_value())
        # In time for the next one, if there are several.
        hosts = str(options.get("host", "")).count(",") + 1
        timeout = {"connect_timeout": max(2, int(self.database_timeout / hosts))}
        return make_conninfo("", **(_DEFAULTS | timeout | options))


class PostgresStore(SqlStore):
    """Keeps conversations, and orders the turns and counts the messages of all processes."""

    def __init__(self, database: PostgresDatabase, leases: Leases) -> None:
        super().__init__(LeasedDatabase(database, leases))
        self._leases = leases
        self._counters = Counters(database)

    def turn_lock(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that keeps other processes from answering in the thread."""
        return self._leases.hold(valid_id(thread_id))

    def counters(self) -> Storage:
        """Return where messages are counted for `RATE_LIMIT`: in the database."""
        return self._counters


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open a pool of connections; in development, also bring the tables up to date.

    Raises:
        StartupError: In development, the tables cannot be brought up to date.
    """
    if settings.app_env == "development":
        await migrate(settings)
    database = PostgresDatabase(
        settings.conninfo, settings.database_connections, settings.database_timeout
    )
    leases = Leases(LeaseTable(database))
    try:
        async with leases.renewing():
            yield PostgresStore(database, leases)
    finally:
        database.close()


@asynccontextmanager
async def open_link(settings: StoreSettings) -> AsyncIterator[Link]:
    """Connect to export from the database, or to import; in development, also migrate its tables.

    Raises:
        StartupError: The database cannot be reached, or its tables cannot be changed.
    """
    if settings.app_env == "development":
        await migrate(settings)
    engine = create_engine(settings)
    # The backend can write while all is read as it was at the beginning.
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with open_connection(reading) as snapshot, open_connection(engine) as writing:
        yield Link(snapshot, writing)


async def migrate(settings: StoreSettings) -> None:
    """Bring the tables of the database up to date.

    Raises:
        StartupError: The database cannot be reached or its tables cannot be changed.
    """
    await asyncio.to_thread(_migrate, settings)


def _migrate(settings: StoreSettings) -> None:
    with migration(create_engine(settings)) as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_MIGRATION_PATIENCE}s'"))
        # Workers that start together take turns.
        connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        upgrade(connection)


def create_engine(settings: StoreSettings) -> Engine:
    """Return the engine that the migrations and imports run on."""
    return sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(settings.conninfo, prepare_threshold=None),
        poolclass=NullPool,
        hide_parameters=True,
    )


def _fault(error: psycopg.ProgrammingError) -> str:
    """Describe what is wrong with the URL; the driver's message can contain parts of a password."""
    option = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
    return f"has an unknown option, {option[1]}" if option else "cannot be understood"
