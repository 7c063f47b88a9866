"""An agent that repeats each message, word by word."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from pydantic import Field

from app.base import ChatAgent, ChatStore, Turn
from app.common_settings import CommonSettings
from app.titles import first_words, message_text

MAX_WORDS = 500
"""The rest of a longer message is not repeated."""


class AgentSettings(CommonSettings):
    """Settings of the echo agent."""

    echo_delay: float = Field(default=0.02, ge=0)
    """Seconds between two words."""


class EchoAgent:
    """Repeats each message, and streams its answer as a model does.

    Args:
        delay: Seconds between two words.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the answer as one assistant message."""
        item = AssistantMessageItem(
            id=turn.store.generate_item_id("message", turn.thread, turn.context),
            thread_id=turn.thread.id,
            # The SDK uses naive local times throughout.
            created_at=datetime.now(),
            content=[],
        )
        yield ThreadItemAddedEvent(item=item)
        yield ThreadItemUpdatedEvent(
            item_id=item.id,
            update=AssistantMessageContentPartAdded(
                content_index=0, content=AssistantMessageContent(text="")
            ),
        )
        words = split_words(reply(turn))
        for word in words:
            if self._delay:
                await asyncio.sleep(self._delay)
            yield ThreadItemUpdatedEvent(
                item_id=item.id,
                update=AssistantMessageContentPartTextDelta(content_index=0, delta=word),
            )
        content = AssistantMessageContent(text="".join(words))
        yield ThreadItemUpdatedEvent(
            item_id=item.id,
            update=AssistantMessageContentPartDone(content_index=0, content=content),
        )
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))

    async def title(self, text: str) -> str:
        """Name a thread by the first words of its first message."""
        return first_words(text)


@asynccontextmanager
async def open_agent(settings: AgentSettings, store: ChatStore) -> AsyncIterator[ChatAgent]:
    """Build the agent; there is nothing to close."""
    yield EchoAgent(settings.echo_delay)


def reply(turn: Turn) -> str:
    """Return the whole answer to a turn."""
    if turn.message is None:
        return "Thank you, I have received that."
    return f"You said: {message_text(turn)}"


def split_words(text: str) -> list[str]:
    """Split *text* after each word, so that the parts joined are the text again."""
    words = re.findall(r"\s*\S+\s*", text)
    if len(words) <= MAX_WORDS:
        return words
    return [*words[:MAX_WORDS], "…"]
