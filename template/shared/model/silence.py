"""Gives up a model that sends nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent


class ModelSilentError(Exception):
    """The model has sent nothing for too long."""


class TimedModel(Model):
    """A model that may not be silent for more than *timeout* seconds.

    The time includes the client's attempts to reach the model again. It does not include tools,
    which run between two requests to the model.
    """

    def __init__(self, model: Model, timeout: float) -> None:
        self._model = model
        self._timeout = timeout

    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """Return the whole response at once."""
        async with self._limit():
            return await self._model.get_response(*args, **options)

    async def stream_response(
        self, *args: Any, **options: Any
    ) -> AsyncGenerator[TResponseStreamEvent]:
        """Stream the response; any event is a sign of life, those of reasoning too."""
        events = self._model.stream_response(*args, **options)
        while True:
            async with self._limit():
                event = await anext(events, None)
            if event is None:
                return
            yield event

    @asynccontextmanager
    async def _limit(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            seconds = f"{self._timeout:g} seconds (MODEL_TIMEOUT)"
            raise ModelSilentError(f"The model has sent nothing for {seconds}.") from None
