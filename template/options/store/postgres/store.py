"""Keeps conversations in PostgreSQL."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr, field_validator
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.base import ChatStore
from app.common_settings import CommonSettings
from app.database.schema import migration, upgrade
from app.database.store import SqlStore

_EXAMPLE = "postgresql://user:password@localhost:5432/chatkit"
_MIGRATION_LOCK = int.from_bytes(b"chatkit", "big")
"""Any number that nothing else in this database uses as an advisory lock."""
_DEFAULTS = {
    "connect_timeout": 5,  # seconds
    # Without it, a lost server is only noticed after many minutes.
    "tcp_user_timeout": 10_000,  # milliseconds
}


class StoreSettings(CommonSettings):
    """The address of the database."""

    database_url: SecretStr
    """The provider's `postgres://` or `postgresql://` URL, which contains the password."""

    @field_validator("database_url")
    @classmethod
    def require_postgres(cls, value: SecretStr) -> SecretStr:
        """Reject anything but a PostgreSQL URL."""
        url = value.get_secret_value()
        if not url.startswith(("postgres://", "postgresql://")):
            raise ValueError(f"is not a URL for PostgreSQL; use {_EXAMPLE}")
        try:
            conninfo_to_dict(url)
        except ProgrammingError as error:
            raise ValueError(f"{_fault(error)}; use {_EXAMPLE}") from None
        return value


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[ChatStore]:
    """Open a pool of connections; in development, also bring the tables up to date.

    Raises:
        StartupError: In development, the tables cannot be brought up to date.
    """
    if settings.app_env == "development":
        await migrate(settings)
    engine = create_writer(settings)
    try:
        yield SqlStore(reader=engine.execution_options(isolation_level="AUTOCOMMIT"), writer=engine)
    finally:
        await engine.dispose()


async def migrate(settings: StoreSettings) -> None:
    """Bring the tables of the database up to date.

    Raises:
        StartupError: The database cannot be reached or its tables cannot be changed.
    """
    engine = create_writer(settings)
    try:
        async with migration(engine) as connection:
            # Workers that start together take turns.
            await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def create_writer(settings: StoreSettings) -> AsyncEngine:
    """Return the pool of connections.

    libpq parses the URL, not SQLAlchemy, so that every option of a provider is understood.
    """
    url = settings.database_url.get_secret_value()
    conninfo = make_conninfo("", **(_DEFAULTS | conninfo_to_dict(url)))

    async def connect() -> AsyncConnection:
        # Poolers such as PgBouncer can give each transaction a different server
        # connection, on which earlier prepared statements do not exist.
        return await AsyncConnection.connect(conninfo, prepare_threshold=None)

    return create_async_engine(
        "postgresql+psycopg://", async_creator=connect, pool_pre_ping=True, hide_parameters=True
    )


def _fault(error: ProgrammingError) -> str:
    """Describe what is wrong with the URL; the driver's message can contain parts of a password."""
    option = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
    return f"has an unknown option, {option[1]}" if option else "cannot be understood"
