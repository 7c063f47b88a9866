"""Fixtures of the SQLite store."""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest

from app.database.interface import Parameters, Rows
from app.database.worker import Worker


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
def count_work(
    store_env: dict[str, str],
) -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the instructions SQLite executes for it."""
    file = store_env["DATABASE_URL"].removeprefix("sqlite:///")

    async def count(call: Awaitable[object]) -> int:
        executed = 0

        def step() -> None:
            nonlocal executed
            executed += 1

        async def run(worker: Worker, statement: str, parameters: Parameters) -> Rows:
            """Run the statement on a connection that counts, and then where it belongs."""
            with closing(sqlite3.connect(file, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                connection.set_progress_handler(step, 1)
                connection.execute(statement, parameters).fetchall()
            return await original(worker, statement, parameters)

        original = Worker.run
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Worker, "run", run)
            await call
        return executed

    return count
