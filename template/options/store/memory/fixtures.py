"""Fixtures of the store in memory."""

import sys
from collections.abc import Awaitable, Callable, Coroutine
from types import FrameType
from typing import Any

import pytest


@pytest.fixture
def count_work() -> Callable[[Awaitable[object]], Coroutine[Any, Any, int]]:
    """Return a function that awaits a call and counts the instructions Python executes for it."""

    async def count(call: Awaitable[object]) -> int:
        executed = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal executed
            frame.f_trace_opcodes = True
            executed += event == "opcode"
            return trace

        tracer = sys.gettrace()
        sys.settrace(trace)
        try:
            await call
        finally:
            sys.settrace(tracer)
        return executed

    return count
