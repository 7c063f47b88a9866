"""An agent that follows a script, and conversations with it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime

from chatkit.server import StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from app.base import ChatStore, RequestContext, Turn, User
from app.server import ChatServer
from tests.backend import Event, message

ALICE = RequestContext(User("alice"), request_id="test")

NOW = datetime(2026, 1, 1, 12)

Script = Callable[[ThreadMetadata], AsyncGenerator[ThreadStreamEvent]]


class Scripted:
    """An agent that yields what the test has written for its next turn."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.script: Script = answered("One")

    def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Follow the script."""
        self.turns.append(turn)
        return self.script(turn.thread)

    async def title(self, text: str) -> str:
        """Return a title."""
        return "A title"


def text(item_id: str, words: str) -> AssistantMessageItem:
    """Return a message of the assistant."""
    content = [AssistantMessageContent(text=words)] if words else []
    return AssistantMessageItem(id=item_id, thread_id="thr", created_at=NOW, content=content)


def delta(item_id: str, words: str) -> ThreadItemUpdatedEvent:
    """Return a piece of a message."""
    update = AssistantMessageContentPartTextDelta(content_index=0, delta=words)
    return ThreadItemUpdatedEvent(item_id=item_id, update=update)


def begun(*deltas: str, then: Exception | None = None) -> Script:
    """Begin an answer; then fail, or wait to be stopped."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        item_id = f"msg_{'-'.join(deltas) or 'none'}"
        yield ThreadItemAddedEvent(item=text(item_id, ""))
        for words in deltas:
            yield delta(item_id, words)
        if then is not None:
            raise then
        await asyncio.Event().wait()

    return script


def answered(words: str) -> Script:
    """Give a whole answer."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        yield ThreadItemDoneEvent(item=text(f"msg_{words}", words))

    return script


class Conversation:
    """A thread of alice's, and the requests in it."""

    def __init__(self, store: ChatStore) -> None:
        self.agent = Scripted()
        self.server = ChatServer(store, self.agent, 10)
        self.store = store
        self.thread_id = ""

    async def stream(self, operation: str, **params: object) -> AsyncGenerator[bytes]:
        """Send a request."""
        if self.thread_id:
            params["thread_id"] = self.thread_id
        body = json.dumps({"type": operation, "params": params})
        result = await self.server.answer(self.server.parse(body.encode()), ALICE)
        assert isinstance(result, StreamingResult)
        return result.json_events

    async def events(self, operation: str, **params: object) -> AsyncIterator[Event]:
        """Send a request, and read its events."""
        async for event in await self.stream(operation, **params):
            yield json.loads(event.removeprefix(b"data: "))

    async def say(self, words: str, script: Script) -> list[Event]:
        """Send a message, and follow *script* in its turn."""
        self.agent.script = script
        operation = "threads.add_user_message" if self.thread_id else "threads.create"
        events = [event async for event in self.events(operation, input=message(words))]
        if not self.thread_id:
            self.thread_id = events[0]["thread"]["id"]
        return events

    async def retry(self, item_id: str, script: Script) -> list[Event]:
        """Ask for another answer."""
        self.agent.script = script
        events = self.events("threads.retry_after_item", item_id=item_id)
        return [event async for event in events]

    async def stop_retry(self, item_id: str, script: Script, after: str) -> None:
        """Ask for another answer, and stop it after an event of this type."""
        self.agent.script = script
        events = self.events("threads.retry_after_item", item_id=item_id)
        await stop(await read_until(after, events))

    async def items(self) -> list[ThreadItem]:
        """Return all items, those for the model too."""
        page = await self.store.load_thread_items(self.thread_id, None, 100, "asc", ALICE)
        return page.data

    async def ids(self) -> list[str]:
        """Return the ids of the messages."""
        return [item.id for item in await self.items() if item.type != "sdk_hidden_context"]


async def read_until(kind: str, events: AsyncIterator[Event]) -> asyncio.Task[None]:
    """Return a task that reads the events, as soon as there is one of this type."""
    seen = asyncio.Event()

    async def read() -> None:
        async for event in events:
            if event["type"] == kind:
                seen.set()

    task = asyncio.create_task(read())
    await seen.wait()
    return task


async def stop(task: asyncio.Task[None]) -> None:
    """Cancel a turn, and wait for its clean-up."""
    task.cancel()
    await asyncio.wait([task])
