"""The pieces of a model's messages, as events of ChatKit."""

from typing import Any

import pytest
from chatkit.types import ThreadStreamEvent
from langchain_core.messages import AIMessage, AIMessageChunk

from app.base import ChatStore
from app.model.answer import Answer, BrokenOffError
from tests.scripted_model import finished, new_turn

pytestmark = pytest.mark.anyio

END = {"finish_reason": "stop"}


def piece(content: Any, run: str = "run", end: dict[str, str] | None = None) -> AIMessageChunk:
    """Return a piece of a message."""
    return AIMessageChunk(content=content, id=run, response_metadata=end or {})


def last(run: str = "run", end: dict[str, str] | None = None) -> AIMessageChunk:
    """Return the last piece of a message; it has no text."""
    return AIMessageChunk(content="", id=run, response_metadata=end or {}, chunk_position="last")


async def events_of(store: ChatStore, *pieces: AIMessage) -> list[ThreadStreamEvent]:
    """Return the events of a turn."""
    answer = Answer(await new_turn(store))
    return [event for piece in pieces for event in answer.events(piece)]


def texts(events: list[ThreadStreamEvent]) -> list[str]:
    """Return the texts of the messages that are done."""
    return [
        part.text
        for item in finished(events)
        if item.type == "assistant_message"
        for part in item.content
    ]


async def test_empty_pieces_are_not_sent(store: ChatStore) -> None:
    """A message has the events that the client expects, and one delta for each text."""
    events = await events_of(
        store,
        piece(""),
        piece("Hel"),
        piece(""),
        piece("lo"),
        piece("", end=END),
        last(),
    )
    kinds = [event.update.type for event in events if event.type == "thread.item.updated"]
    deltas = ["assistant_message.content_part.text_delta"] * 2
    assert kinds == [
        "assistant_message.content_part.added",
        *deltas,
        "assistant_message.content_part.done",
    ]
    assert events[0].type == "thread.item.added"
    assert events[-1].type == "thread.item.done"
    assert texts(events) == ["Hello"]


async def test_message_without_text_is_not_shown(store: ChatStore) -> None:
    """Models that only call a tool send a message too."""
    pieces = [piece(""), last(end={"finish_reason": "tool_calls"})]
    assert await events_of(store, *pieces) == []


async def test_reasoning_is_not_text(store: ChatStore) -> None:
    """Of a message in parts, the user gets the text."""
    parts = [{"type": "reasoning", "reasoning": "Hm"}, {"type": "text", "text": "Yes"}]
    events = await events_of(store, piece(parts), last(end={"status": "completed"}))
    assert texts(events) == ["Yes"]


async def test_two_messages_at_the_same_time(store: ChatStore) -> None:
    """Messages of two models stay apart, and each has an id of its own."""
    events = await events_of(
        store,
        piece("A", "one"),
        piece("1", "two"),
        piece("B", "one"),
        last("two", END),
        last("one", END),
    )
    assert texts(events) == ["1", "AB"]
    assert len({item.id for item in finished(events)}) == 2


async def test_message_that_comes_whole(store: ChatStore) -> None:
    """A model that does not stream is shown as well, and so is a node that answers itself."""
    events = await events_of(store, AIMessage("Hello", id="same"), AIMessage("Hello", id="same"))
    assert texts(events) == ["Hello", "Hello"]
    assert len({item.id for item in finished(events)}) == 2


@pytest.mark.parametrize(
    "end",
    [
        {"finish_reason": "stop"},
        {"finish_reason": "tool_calls"},
        {"stop_reason": "end_turn"},
        {"done_reason": "stop"},
        {"status": "completed"},
    ],
)
async def test_end_of_other_providers(store: ChatStore, end: dict[str, str]) -> None:
    """Whatever a provider calls it, a message that is complete is done."""
    events = await events_of(store, piece("Hello"), piece("", end=end), last())
    assert texts(events) == ["Hello"]


@pytest.mark.parametrize(
    "end",
    [
        {},
        {"finish_reason": "length"},
        {"finish_reason": "content_filter"},
        {"stop_reason": "max_tokens"},
        {"status": "incomplete"},
    ],
)
async def test_message_that_is_cut_off(store: ChatStore, end: dict[str, str]) -> None:
    """A message that is not complete is never done: the turn ends with an error."""
    answer = Answer(await new_turn(store))
    begun = [*answer.events(piece("Hel")), *answer.events(piece("", end=end))]
    assert finished(begun) == []
    with pytest.raises(BrokenOffError):
        list(answer.events(last()))
