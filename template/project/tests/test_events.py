"""What the server changes in how turns run changes no event."""

from collections.abc import AsyncGenerator

import pytest
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.server import ChatKitServer
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    CustomTask,
    HiddenContextItem,
    LockedStatus,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    URLSource,
    WidgetItem,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
)
from chatkit.widgets import Card, Text

from app.base import ChatStore
from app.server import ChatServer
from app.times import with_offsets
from tests.scripted import (
    ALICE,
    NOW,
    Script,
    Scripted,
    delta,
    text,
)

pytestmark = pytest.mark.anyio


async def everything(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
    """Yield every kind of event, and change the thread."""
    yield ProgressUpdateEvent(text="…", icon="search")
    yield ThreadItemAddedEvent(item=text("msg_1", ""))
    thread.title = "Set by the agent"
    part = AssistantMessageContent(text="")
    yield ThreadItemUpdatedEvent(
        item_id="msg_1", update=AssistantMessageContentPartAdded(content_index=0, content=part)
    )
    thread.metadata["seen"] = 1
    yield delta("msg_1", "Grüße\u2028")
    yield delta("msg_1", '"👩‍🚀"\x07')
    source = Annotation(source=URLSource(url="https://example.com", title="x"), index=1)
    yield ThreadItemUpdatedEvent(
        item_id="msg_1",
        update=AssistantMessageContentPartAnnotationAdded(
            content_index=0, annotation_index=0, annotation=source
        ),
    )
    part = AssistantMessageContent(text='Grüße\u2028"👩‍🚀"\x07', annotations=[source])
    yield ThreadItemUpdatedEvent(
        item_id="msg_1", update=AssistantMessageContentPartDone(content_index=0, content=part)
    )
    yield ThreadItemDoneEvent(item=text("msg_1", part.text))
    yield ThreadItemDoneEvent(
        item=HiddenContextItem(id="hid", thread_id="thr", created_at=NOW, content="secret")
    )
    workflow = WorkflowItem(
        id="wf", thread_id="thr", created_at=NOW, workflow=Workflow(type="custom", tasks=[])
    )
    yield ThreadItemAddedEvent(item=workflow)
    task = WorkflowTaskAdded(task=CustomTask(title="Look"), task_index=0)
    yield ThreadItemUpdatedEvent(item_id="wf", update=task)
    workflow.workflow.tasks.append(task.task)
    yield ThreadItemDoneEvent(item=workflow)
    card = Card(children=[Text(value="one")])
    widget = WidgetItem(id="wid", thread_id="thr", created_at=NOW, widget=card)
    yield ThreadItemDoneEvent(item=widget)
    card = Card(children=[Text(value="two")])
    yield ThreadItemReplacedEvent(item=widget.model_copy(update={"widget": card}))
    yield ThreadItemDoneEvent(item=text("msg_2", "gone"))
    yield ThreadItemRemovedEvent(item_id="msg_2")
    thread.status = LockedStatus(reason="Enough")
    yield ThreadItemRemovedEvent(item_id="never stored")
    thread.metadata["late"] = {"a": [1]}


def failing(error: Exception) -> Script:
    """Fail after a whole message."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        yield ThreadItemDoneEvent(item=text("msg_1", "whole"))
        thread.metadata["failed"] = True
        raise error

    return script


@pytest.mark.parametrize(
    "script",
    [
        everything,
        failing(CustomStreamError("No.", allow_retry=True)),
        failing(StreamError(ErrorCode.STREAM_ERROR, allow_retry=False)),
        failing(ValueError("x")),
    ],
    ids=["everything", "custom error", "stream error", "any error"],
)
async def test_events_are_the_sdks(store: ChatStore, script: Script) -> None:
    """The server's own `_process_events` sends and stores what the SDK's does."""
    server = ChatServer(store, Scripted(), 10)
    found = []
    for process in (ChatKitServer._process_events, ChatServer._process_events):
        thread = ThreadMetadata(id="thr", created_at=NOW)
        await store.save_thread(thread, ALICE)
        events = process(server, thread, ALICE, lambda: script(thread))  # noqa: B023
        sent = [server._serialize(event) async for event in events]
        stored = await store.load_thread_items("thr", None, 100, "asc", ALICE)
        found.append((sent, stored, await store.load_thread("thr", ALICE)))
        await store.delete_thread("thr", ALICE)
    assert found[1] == found[0]


async def test_encoding_is_the_sdks(store: ChatStore) -> None:
    """An event is encoded to the same bytes as by the SDK, apart from the offsets of its times."""
    server = ChatServer(store, Scripted(), 10)
    thread = ThreadMetadata(id="thr", created_at=NOW, metadata={"nan": float("nan"), "none": None})
    async for event in everything(thread):
        assert server._serialize(event) == ChatKitServer._serialize(server, with_offsets(event))
    response = with_offsets(server._to_thread_response(thread))
    assert server._serialize(response) == ChatKitServer._serialize(server, response)
