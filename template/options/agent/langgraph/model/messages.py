"""Converts a thread's items to the messages that the model gets."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    ClientToolCallItem,
    CustomTask,
    GeneratedImageItem,
    HiddenContextItem,
    ImageAttachment,
    SDKHiddenContextItem,
    StructuredInput,
    StructuredInputItem,
    Task,
    TaskItem,
    ThreadItem,
    UserMessageItem,
    UserMessageTagContent,
    WidgetItem,
    WorkflowItem,
)
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    merge_message_runs,
)

Part = str | dict[str, Any]
"""Text, or an image as LangChain passes it to any model."""


def to_messages(items: Sequence[ThreadItem], *, images: bool = True) -> list[BaseMessage]:
    """Return the messages of a conversation.

    Some models accept only messages that alternate between user and assistant: those of one side
    which follow each other become one message.

    Args:
        items: The thread's items, oldest first.
        images: Whether the model takes images; if not, it gets their names.
    """
    messages = [message for item in items for message in _messages(item, images)]
    return merge_message_runs(messages, chunk_separator="\n\n")


def _messages(item: ThreadItem, images: bool) -> Iterator[BaseMessage]:
    match item:
        case UserMessageItem():
            yield _human([_said(item), *_attached(item.attachments, images)])
        case AssistantMessageItem():
            yield AIMessage("".join(part.text for part in item.content))
        case ClientToolCallItem(status="completed"):
            call = {"name": item.name, "args": item.arguments, "id": item.call_id}
            yield AIMessage("", tool_calls=[{**call, "type": "tool_call"}])
            yield ToolMessage(json.dumps(item.output, default=str), tool_call_id=item.call_id)
        case GeneratedImageItem(image=image) if image is not None:
            note = "The assistant has generated an image."
            yield _human([note, _image(image.url)] if images else [note])
        case _:
            yield from map(HumanMessage, _notes(item))


def _notes(item: ThreadItem) -> Iterator[str]:
    """Say in words what happened in the chat besides messages."""
    match item:
        case WidgetItem():
            shown = item.copy_text or item.widget.model_dump_json(exclude_none=True)
            yield f"A widget was displayed to the user (id: {item.id}):\n{shown}"
        case StructuredInputItem():
            answers = "\n".join(f"- {_answered(question)}" for question in item.inputs)
            yield f"The user was asked (status: {item.status}):\n{answers}"
        case TaskItem():
            yield from _performed([item.task])
        case WorkflowItem():
            yield from _performed(item.workflow.tasks)
        case HiddenContextItem() | SDKHiddenContextItem():
            content = item.content
            text = content if isinstance(content, str) else json.dumps(content, default=str)
            yield (
                "Hidden context for the agent (not shown to the user):\n"
                f"<HiddenContext>\n{text}\n</HiddenContext>"
            )


def _said(item: UserMessageItem) -> str:
    """Return the user's text, with what it refers to."""
    tags = {part.text: part for part in item.content if isinstance(part, UserMessageTagContent)}
    text = "".join(
        f"@{part.text}" if part.type == "input_tag" else part.text for part in item.content
    )
    about = [
        f"@{tag.text} is {json.dumps({'id': tag.id, 'group': tag.group, **tag.data}, default=str)}"
        for tag in tags.values()
    ]
    if item.quoted_text:
        about.append(f"The user is referring to this in particular:\n{item.quoted_text}")
    return "\n\n".join([text, *about])


def _attached(attachments: Sequence[Attachment], images: bool) -> Iterator[Part]:
    """Show the model the images that it can open; name the rest."""
    for attachment in attachments:
        if images and isinstance(attachment, ImageAttachment):
            yield _image(str(attachment.preview_url))
        else:
            yield f"The user has attached {attachment.name} ({attachment.mime_type})."


def _image(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def _human(parts: Sequence[Part]) -> HumanMessage:
    """Return a message of plain text if possible: not all models accept parts."""
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return HumanMessage("\n\n".join(texts))
    return HumanMessage(
        [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    )


def _performed(tasks: Sequence[Task]) -> Iterator[str]:
    for task in tasks:
        # Other types of tasks show where an answer comes from; the answer itself follows.
        if isinstance(task, CustomTask) and (task.title or task.content):
            text = ": ".join(filter(None, [task.title, task.content]))
            yield f"The user was shown that this task was performed:\n{text}"


def _answered(question: StructuredInput) -> str:
    answer = question.answer
    if answer is None:
        return f"{question.question}: unanswered"
    return f"{question.question}: {'skipped' if answer.skipped else ', '.join(answer.values)}"
