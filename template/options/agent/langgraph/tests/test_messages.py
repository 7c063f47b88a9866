"""What the model gets of a thread's items."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from chatkit.types import ThreadItem
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import TypeAdapter

from app.base import ChatStore
from app.model.messages import to_messages
from tests.scripted_model import ALICE, agent_with, new_turn
from tests.services.agent import Model

PIXEL = "data:image/png;base64,iVBORw0KGgo="

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)

OPTIONS: dict[str, Any] = {"inference_options": {}}


def item(kind: str, **fields: Any) -> ThreadItem:
    """Return an item as the store loads it."""
    common = {"id": f"id_{kind}", "thread_id": "thr", "created_at": datetime.now()}
    return ITEM.validate_python({"type": kind, **common, **fields})


def said(*content: dict[str, Any], **fields: Any) -> ThreadItem:
    """Return a user's message."""
    return item("user_message", content=list(content), **OPTIONS, **fields)


def text(words: str) -> dict[str, Any]:
    """Return a part of a user's message."""
    return {"type": "input_text", "text": words}


def image(url: str = PIXEL) -> dict[str, Any]:
    """Return an image that the user has attached."""
    return {
        "type": "image",
        "id": "atc",
        "name": "cat.png",
        "mime_type": "image/png",
        "preview_url": url,
    }


def answered(words: str) -> ThreadItem:
    """Return a message of the assistant."""
    return item("assistant_message", content=[{"type": "output_text", "text": words}])


def contents(messages: Sequence[BaseMessage]) -> list[tuple[str, Any]]:
    """Return who says what."""
    return [(message.type, message.content) for message in messages]


def test_conversation_is_plain_text() -> None:
    """Messages without images are plain text, which every model accepts."""
    items = [said(text("Hi")), answered("Hello"), said(text("Who are you?"))]
    assert contents(to_messages(items)) == [
        ("human", "Hi"),
        ("ai", "Hello"),
        ("human", "Who are you?"),
    ]


def test_quoted_text_is_kept_in_later_turns() -> None:
    """A message means the same in every turn."""
    items = [said(text("Explain"), quoted_text="E = mc²"), answered("It says"), said(text("Why?"))]
    first, *_ = contents(to_messages(items))
    assert first == ("human", "Explain\n\nThe user is referring to this in particular:\nE = mc²")


def test_tag_is_described_once() -> None:
    """The model gets a tag's data, however often the message has it."""
    tag = {"type": "input_tag", "id": "42", "text": "Ada", "data": {"role": "admin"}}
    [(_, content)] = contents(to_messages([said(text("Tell "), tag, text(" and "), tag)]))
    assert content == ('Tell @Ada and @Ada\n\n@Ada is {"id": "42", "group": null, "role": "admin"}')


def test_images_are_shown_to_models_that_take_them() -> None:
    """Other models, and other files, get a name: an image would be an error for good."""
    file = {"type": "file", "id": "atc_2", "name": "a.pdf", "mime_type": "application/pdf"}
    items = [said(text("What is this?"), attachments=[image(), file])]
    named = "The user has attached a.pdf (application/pdf)."
    assert contents(to_messages(items)) == [
        (
            "human",
            [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": PIXEL}},
                {"type": "text", "text": named},
            ],
        )
    ]
    [(_, content)] = contents(to_messages(items, images=False))
    assert content == f"What is this?\n\nThe user has attached cat.png (image/png).\n\n{named}"


def test_generated_image_is_shown() -> None:
    """An image of the assistant's comes as a message to it: models take images only there."""
    made = item("generated_image", image={"id": "i", "url": "https://example.com/cat.png"})
    pending = item("generated_image")
    [message] = to_messages([made, pending])
    assert isinstance(message, HumanMessage)
    assert "https://example.com/cat.png" in str(message.content)
    [message] = to_messages([made], images=False)
    assert isinstance(message.content, str)


def test_client_tool_is_a_call_with_its_result() -> None:
    """A call that the page has not answered yet cannot be sent to a model."""
    call = {"call_id": "c1", "name": "open_page", "arguments": {"name": "orders"}}
    done = item("client_tool_call", status="completed", output={"opened": True}, **call)
    asked, result = to_messages([done])
    assert isinstance(asked, AIMessage)
    assert isinstance(result, ToolMessage)
    assert asked.tool_calls[0]["args"] == {"name": "orders"}
    assert (result.tool_call_id, result.content) == ("c1", '{"opened": true}')
    assert to_messages([item("client_tool_call", status="pending", **call)]) == []


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (item("hidden_context_item", content={"plan": "pro"}), '{"plan": "pro"}'),
        (item("hidden_context_item", content="The user is new."), "The user is new."),
        (item("sdk_hidden_context", content="The user cancelled."), "The user cancelled."),
        (
            item("widget", widget={"type": "Card", "children": []}, copy_text="Order 7"),
            "Order 7",
        ),
        (item("widget", widget={"type": "Card", "children": []}), '"type":"Card"'),
        (
            item("task", task={"type": "custom", "title": "Add task", "content": "Buy milk"}),
            "Add task: Buy milk",
        ),
        (
            item(
                "workflow",
                workflow={"type": "custom", "tasks": [{"type": "custom", "title": "Add task"}]},
            ),
            "Add task",
        ),
        (
            item(
                "structured_input",
                status="answered",
                inputs=[
                    {
                        "type": "freeform",
                        "id": "q",
                        "question": "Colour?",
                        "answer": {"values": ["red", "blue"]},
                    },
                    {"type": "freeform", "id": "r", "question": "Size?"},
                    {
                        "type": "freeform",
                        "id": "s",
                        "question": "Shape?",
                        "answer": {"skipped": True},
                    },
                ],
            ),
            "- Colour?: red, blue\n- Size?: unanswered\n- Shape?: skipped",
        ),
    ],
    ids=lambda value: value.type if hasattr(value, "type") else "",
)
def test_what_else_happened_is_told(shown: ThreadItem, expected: str) -> None:
    """The model learns what the user has seen and done besides messages."""
    [message] = to_messages([shown])
    assert isinstance(message, HumanMessage)
    assert expected in str(message.content)


def test_what_says_nothing_is_left_out() -> None:
    """Items that only arrange the chat are not for the model."""
    thought = {"type": "thought", "content": "Hm"}
    items = [
        item("end_of_turn"),
        item("task", task=thought),
        item("workflow", workflow={"type": "reasoning", "tasks": [thought]}),
        item("task", task={"type": "custom"}),
    ]
    assert to_messages(items) == []


def test_sides_alternate() -> None:
    """Some models refuse two messages of the user's in a row."""
    stopped = item("sdk_hidden_context", content="The user cancelled.")
    items = [said(text("One")), said(text("Two")), answered("Half"), stopped, said(text("Three"))]
    merged = to_messages(items)
    assert [message.type for message in merged] == ["human", "ai", "human"]
    assert merged[0].content == "One\n\nTwo"
    assert str(merged[2].content).endswith("</HiddenContext>\n\nThree")
    images = [said(text("One"), attachments=[image()]), said(text("Two"))]
    [message] = to_messages(images)
    assert [part["type"] for part in message.content if isinstance(part, dict)] == [
        "text",
        "image_url",
    ]
    assert "Two" in message.content


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "takes"), [("gpt-5-mini", True), ("gpt-4", False), ("own", True)])
async def test_image_reaches_the_model(
    store: ChatStore, model: Model, name: str, takes: bool
) -> None:
    """Images are sent as the API wants them, unless LangChain knows that the model takes none."""
    turn = await new_turn(store)
    message = said(text("What is this?"), attachments=[image()])
    await store.add_thread_item(turn.thread.id, message, ALICE)
    loaded = await store.load_item(turn.thread.id, message.id, ALICE)
    async with agent_with(model, chat_model=name) as agent:
        async for _ in agent.respond(replace(turn, history=[loaded])):
            pass
    sent = str(model.last_request.body["messages"][-1])
    assert (PIXEL in sent) == takes
    assert ("has attached cat.png" in sent) != takes
