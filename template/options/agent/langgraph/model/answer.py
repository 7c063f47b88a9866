"""Shows what the model writes as messages of ChatKit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from langchain_core.messages import AIMessage, AIMessageChunk

from app.base import Turn

_ENDS = ("finish_reason", "stop_reason", "done_reason", "status")
"""Where providers say why a message ends."""

_BREAKS = {None, "length", "max_tokens", "content_filter", "incomplete", "failed"}
"""The ends of messages that are not complete; a stream without any reason was cut off."""


class BrokenOffError(Exception):
    """The model has stopped in the middle of a message."""


@dataclass
class _Message:
    """A message that the model is writing; `item` is None while it has no text."""

    item: AssistantMessageItem | None = None
    deltas: list[str] = field(default_factory=list)
    end: str | None = None


class Answer:
    """The messages of one answer.

    A message gets an id of our own: those of a model cannot be trusted, and two messages with the
    same id would overwrite each other. Models may write several messages in one turn, with calls
    of tools between them, and a graph may ask several models at the same time.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._open: dict[str | None, _Message] = {}
        """By the id that LangChain gives to a request."""

    def events(self, chunk: AIMessage) -> Iterator[ThreadStreamEvent]:
        """Return what the next piece of a message means for the chat.

        Raises:
            BrokenOffError: It was the last piece, but the message is not complete.
        """
        message = self._open.setdefault(chunk.id, _Message())
        message.end = next(
            (chunk.response_metadata[key] for key in _ENDS if chunk.response_metadata.get(key)),
            message.end,
        )
        if text := str(chunk.text):
            yield from self._written(message, text)
        if not isinstance(chunk, AIMessageChunk):
            message.end = message.end or "whole"
        elif chunk.chunk_position != "last":
            return
        del self._open[chunk.id]
        yield from _finished(message)

    def _written(self, message: _Message, text: str) -> Iterator[ThreadStreamEvent]:
        """Add text to a message; one that has none yet, or never has, is not shown."""
        if message.item is None:
            message.item = AssistantMessageItem(
                id=self._turn.store.generate_item_id(
                    "message", self._turn.thread, self._turn.context
                ),
                thread_id=self._turn.thread.id,
                # The SDK uses naive local times throughout.
                created_at=datetime.now(),
                content=[],
            )
            yield ThreadItemAddedEvent(item=message.item)
            content = AssistantMessageContent(text="")
            added = AssistantMessageContentPartAdded(content_index=0, content=content)
            yield _updated(message.item, added)
        message.deltas.append(text)
        delta = AssistantMessageContentPartTextDelta(content_index=0, delta=text)
        yield _updated(message.item, delta)


def _finished(message: _Message) -> Iterator[ThreadStreamEvent]:
    if message.end in _BREAKS:
        raise BrokenOffError(f"The model has not completed its answer: {message.end}.")
    if message.item is not None:
        content = AssistantMessageContent(text="".join(message.deltas))
        done = AssistantMessageContentPartDone(content_index=0, content=content)
        yield _updated(message.item, done)
        yield ThreadItemDoneEvent(item=message.item.model_copy(update={"content": [content]}))


def _updated(item: AssistantMessageItem, update: ThreadItemUpdate) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)
