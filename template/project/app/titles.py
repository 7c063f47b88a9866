"""Finds titles for new threads while their first answer streams."""

import asyncio
from types import TracebackType
from typing import Self

import structlog
from chatkit.types import UserMessageTextContent

from app.base import ChatAgent, Turn

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_TITLE_LENGTH = 80
"""In characters; ChatKit's thread list shows about half of that."""

_PATIENCE = 5.0
"""How long a finished answer waits for its thread's title, in seconds."""


class Titling:
    """Finds a title while the answer streams, so that the first word does not wait for it.

    A thread that changes during its turn is stored, and the client gets it (`app/recording.py`).
    Leaving the block ends the search, also when the turn is stopped (see `app/streaming.py`).
    """

    def __init__(self, turn: Turn, agent: ChatAgent) -> None:
        self._turn = turn
        self._agent = agent
        self._task: asyncio.Task[str] | None = None

    async def __aenter__(self) -> Self:
        text = message_text(self._turn)
        if self._turn.thread.title is None and text:
            self._task = asyncio.create_task(self._agent.title(text))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    def apply_if_found(self) -> None:
        """Give the thread its title, if there is one yet."""
        if self._task is not None and self._task.done():
            self._apply(self._task)
            self._task = None

    async def apply(self) -> None:
        """Wait briefly for the title; if there is none, use the first words."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_PATIENCE)
            self._apply(self._task)
            await self._end()

    def _apply(self, search: asyncio.Task[str]) -> None:
        """Set the title; the store makes sure that one which the user has given stays."""
        if self._turn.thread.title is None:
            self._turn.thread.title = self._found(search) or first_words(message_text(self._turn))

    def _found(self, search: asyncio.Task[str]) -> str | None:
        """Return what the agent has found, or log why there is nothing."""
        if not search.done():
            reason = f"nothing after {_PATIENCE:.0f} seconds"
        elif search.cancelled():
            reason = "cancelled"
        elif error := search.exception():
            reason = type(error).__name__
        else:
            return search.result()
        log.warning("no title found", reason=reason, request_id=self._turn.context.request_id)
        return None

    async def _end(self) -> None:
        """Stop looking for a title."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


def first_words(text: str) -> str:
    """Shorten *text* to one line of at most `MAX_TITLE_LENGTH` characters."""
    line = " ".join(text.split())
    if len(line) <= MAX_TITLE_LENGTH:
        return line
    return line[: MAX_TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def message_text(turn: Turn) -> str:
    """Return the text of the turn's message; empty if there is none."""
    if turn.message is None:
        return ""
    parts = [part.text for part in turn.message.content if isinstance(part, UserMessageTextContent)]
    return "".join(parts).strip()
