"""Takes the place of `app/agent.py` in the measured projects."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from chatkit.types import AssistantMessageItem, ThreadStreamEvent

from app.base import ChatAgent, ChatStore, Turn
from app.common_settings import CommonSettings
from benchmarks.apps.answer import answer


class AgentSettings(CommonSettings):
    """The agent needs no settings."""


class BenchmarkAgent:
    """Streams the same answer to every message."""

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the answer as one assistant message."""
        item = AssistantMessageItem(
            id=turn.store.generate_item_id("message", turn.thread, turn.context),
            thread_id=turn.thread.id,
            created_at=datetime.now(),  # noqa: DTZ005 - the SDK's times are naive
            content=[],
        )
        async for event in answer(item):
            yield event

    async def title(self, text: str) -> str:
        """Name a thread by its first message."""
        return text[:40]


@asynccontextmanager
async def open_agent(settings: AgentSettings, store: ChatStore) -> AsyncIterator[ChatAgent]:
    """Build the agent."""
    del settings, store
    yield BenchmarkAgent()
