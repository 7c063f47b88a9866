"""Fixtures of the SQLite store."""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import AdaptedConnection, Connection, Engine, event


@pytest.fixture
def outage(store_env: dict[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager that keeps the store from writing.

    There is no server to stop. What does happen is that another process, such as a shell
    with an open transaction, keeps the file locked for longer than a write waits.
    """

    @contextmanager
    def lock() -> Iterator[None]:
        file = store_env["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    return lock


@pytest.fixture
def count_work() -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the instructions SQLite executes for it."""

    async def count(call: Awaitable[object]) -> int:
        executed = 0

        def step() -> None:
            nonlocal executed
            executed += 1

        def watch(connection: Connection, *_: object) -> None:
            adapted = connection.connection.dbapi_connection
            assert isinstance(adapted, AdaptedConnection)
            adapted.run_async(lambda driver: driver.set_progress_handler(step, 1))

        event.listen(Engine, "before_cursor_execute", watch)
        try:
            await call
        finally:
            event.remove(Engine, "before_cursor_execute", watch)
        return executed

    return count
