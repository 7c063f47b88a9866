"""Gives up a model that is silent for too long."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

Part = TypeVar("Part")


class ModelSilentError(Exception):
    """The model has sent nothing for too long."""


class ModelClock:
    """Measures how long the model is silent in one turn.

    The time includes the client's attempts to reach the model again. It does not include tools,
    which may take longer.

    Args:
        seconds: How long the model may send nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopped = 0
        self._limit: asyncio.Timeout | None = None

    async def next_of(self, parts: AsyncIterator[Part]) -> Part | None:
        """Return the next part, whatever it is, or None after the last one.

        Raises:
            ModelSilentError: There was none in time; *parts* is closed.
        """
        try:
            async with asyncio.timeout(None if self._stopped else self._seconds) as limit:
                self._limit = limit
                return await anext(parts, None)
        except TimeoutError:
            if not limit.expired():
                raise
            seconds = f"{self._seconds:g} seconds (MODEL_TIMEOUT)"
            raise ModelSilentError(f"The model has sent nothing for {seconds}.") from None
        finally:
            self._limit = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock while something else than the model works; this may overlap."""
        self._stopped += 1
        self._restart(None)
        try:
            yield
        finally:
            self._stopped -= 1
            if not self._stopped:
                self._restart(asyncio.get_running_loop().time() + self._seconds)

    def _restart(self, when: float | None) -> None:
        """Move the end of the wait that is under way, if there is one."""
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(when)
