"""Fixtures of the store in one file."""

import fcntl
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def outage(store_env: dict[str, str]) -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager that keeps the store from writing: another process has the lock."""

    @contextmanager
    def lock() -> Iterator[None]:
        with Path(store_env["SHELF_PATH"]).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return lock


@pytest.fixture
def count_work() -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the functions called for it."""

    async def count(call: Awaitable[object]) -> int:
        calls = 0

        def profile(*_: object) -> None:
            nonlocal calls
            calls += 1

        profiler = sys.getprofile()
        sys.setprofile(profile)
        try:
            await call
        finally:
            sys.setprofile(profiler)
        return calls

    return count
