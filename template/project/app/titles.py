"""Finds titles for new threads while their first answer streams."""

import asyncio
from types import TracebackType
from typing import Self

from chatkit.types import UserMessageTextContent

from app.base import ChatAgent, Turn

MAX_TITLE_LENGTH = 80
"""In characters; ChatKit's thread list shows about half of that."""

_PATIENCE = 5.0
"""How long a finished answer waits for its thread's title, in seconds."""


class Titling:
    """Finds a title while the answer streams, so that the first word does not wait for it.

    The SDK stores a thread that changed during its turn and sends the change to the client.
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

    async def apply_if_ready(self) -> None:
        """Set the title if it has been found."""
        if self._task is not None and self._task.done():
            await self.apply()

    async def apply(self) -> None:
        """Wait briefly for the title and set it; if there is none, use the first words."""
        if self._task is None:
            return
        done, _ = await asyncio.wait([self._task], timeout=_PATIENCE)
        found = done and not self._task.cancelled() and self._task.exception() is None
        title = self._task.result() if found else first_words(message_text(self._turn))
        await self._end()
        # The user may have renamed the thread in the meantime.
        stored = await self._turn.store.load_thread(self._turn.thread.id, self._turn.context)
        self._turn.thread.title = stored.title or title

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
