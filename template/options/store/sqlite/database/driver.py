"""Runs the store's statements on the SQLite file, and shares each commit among those that wait."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Self

from sqlalchemy import BindParameter, Select, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert

from app.base import StoreUnavailableError
from app.database.file import Identity, connect
from app.database.interface import Parameters, Rows
from app.database.schema import MIGRATE, require_revision
from app.database.tables import metadata
from app.database.worker import Operation, Take, Worker

__all__ = ["BYTE_ORDER", "DIALECT", "SqliteDatabase", "insert", "strings_in"]

DIALECT = sqlite.dialect(paramstyle="named")

BYTE_ORDER = "BINARY"
"""The collation that orders texts by their characters' numbers."""

PING_TIMEOUT = 2.0
"""How long a ping waits for a lock or the disk, in seconds."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_TOUCH_REVISION = "UPDATE alembic_version SET version_num = version_num RETURNING version_num"


def strings_in(array: BindParameter[str]) -> Select[str]:
    """Select the strings in a JSON array."""
    return select(func.json_each(array).table_valued("value").c.value)


class SqliteDatabase:
    """Reads and writes in a thread each.

    SQLite has one writer at a time, and a commit waits for the disk. Whatever is written in the
    meantime shares the next commit, so many simultaneous writes wait hardly longer than one.
    """

    def __init__(
        self, reader: sqlite3.Connection, writer: sqlite3.Connection, identity: Identity
    ) -> None:
        self._identity = identity
        self._reader = Worker(reader, _read)
        self._writer = Worker(writer, self._write)
        self._ping: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file.

        Raises:
            StartupError: It cannot be opened, or is not a database.
        """
        reader = await asyncio.to_thread(connect, path)
        writer = await asyncio.to_thread(connect, path)
        return cls(reader, writer, Identity(path))

    async def read(self, statement: str, parameters: Parameters) -> Rows:
        """Run a query."""
        return await self._reader.run(statement, parameters)

    async def write(self, statement: str, parameters: Parameters) -> Rows:
        """Run a statement, and return when it is on the disk."""
        return await self._writer.run(statement, parameters)

    async def ping(self) -> None:
        """Write something; pings that come at once share the write."""
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(self._write_something())
            self._ping.add_done_callback(_retrieve)
        done, _ = await asyncio.wait([self._ping], timeout=PING_TIMEOUT)
        if not done:
            raise StoreUnavailableError("The database is locked, or the disk does not answer.")
        self._ping.result()

    async def close(self) -> None:
        """Complete what has been asked for, and close the file."""
        await self._writer.close()
        await self._reader.close()

    async def _write_something(self) -> None:
        found = {name for (name,) in await self.read(_TABLES, {})}
        if "alembic_version" not in found:
            raise StoreUnavailableError(f"The database has no tables yet; {MIGRATE}")
        if missing := metadata.tables.keys() - found:
            raise StoreUnavailableError(f"The database has no table {min(missing)}.")
        rows = await self.write(_TOUCH_REVISION, {})
        require_revision([revision for (revision,) in rows])
        await asyncio.to_thread(self._identity.require_space)

    def _write(self, connection: sqlite3.Connection, take: Take) -> list[Operation]:
        """Run a batch in one transaction, and check that it was written to the right file."""
        operations: list[Operation] | None = None
        try:
            # Waits for another process that writes. Until then, operations can be withdrawn.
            connection.execute("BEGIN IMMEDIATE")
            operations = take()
            for operation in operations:
                operation.run(connection)
                if operation.error is not None and not connection.in_transaction:
                    raise operation.error
            connection.execute("COMMIT")
            self._identity.require()
        except Exception as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            operations = take() if operations is None else operations
            for operation in operations:
                operation.error = error
        return operations


def _retrieve(ping: asyncio.Task[None]) -> None:
    """Keep asyncio from logging the failure of a ping for which nobody waits any more."""
    if not ping.cancelled():
        ping.exception()


def _read(connection: sqlite3.Connection, take: Take) -> list[Operation]:
    operations = take()
    for operation in operations:
        operation.run(connection)
    return operations
