"""Completes calls to the database although their caller is cancelled; see `app/streaming.py`."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def run_to_completion(
    function: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """Delay a cancellation of the caller until the call is complete.

    A connection that is left in the middle of a transaction may keep its locks until the
    garbage collector finds it.
    """

    @wraps(function)
    async def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        task = asyncio.create_task(function(*args, **kwargs))
        cancelled = None
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            task.exception()  # Retrieved, or asyncio would log it as "never retrieved".
            raise cancelled
        return task.result()

    return run
