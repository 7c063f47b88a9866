"""The events that show the tools of an answer, and what of them is stored."""

from collections.abc import AsyncGenerator, Callable

import pytest
from chatkit.types import ThreadItemDoneEvent, ThreadMetadata, ThreadStreamEvent, WorkflowItem

from app.base import ChatStore, Turn
from app.tool_progress import MAX_DETAILS, ToolProgress
from tests.backend import message
from tests.scripted import ALICE, Conversation, Script, begun, read_until, stop, text

pytestmark = pytest.mark.anyio

Use = Callable[[ToolProgress], list[ThreadStreamEvent]]


@pytest.fixture
async def talk(store: ChatStore) -> Conversation:
    """A conversation that begins with its next message."""
    return Conversation(store)


def using(store: ChatStore, use: Use, then: Script) -> Script:
    """Use tools, then go on with another script."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        for event in use(ToolProgress(Turn(thread, None, [], store, ALICE))):
            yield event
        async for event in then(thread):
            yield event

    return script


def one_call(progress: ToolProgress) -> list[ThreadStreamEvent]:
    """Call a tool, and wait for its end."""
    return [*progress.started("1", "add_task", {"title": "Buy milk"}), *progress.finished("1")]


async def answer(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
    """Answer at once."""
    yield ThreadItemDoneEvent(item=text("msg_answer", "Done."))


async def work_of(talk: Conversation) -> list[WorkflowItem]:
    """Return the workflows that are stored."""
    return [item for item in await talk.items() if isinstance(item, WorkflowItem)]


async def test_call_is_shown_and_stored(talk: Conversation) -> None:
    """A call is loading, then complete; the item that is stored is the one the client has."""
    events = await talk.say("Buy milk", using(talk.store, one_call, answer))
    [added] = [event["item"] for event in events if event["type"] == "thread.item.added"]
    [task] = added["workflow"]["tasks"]
    assert (task["title"], task["content"]) == ("Add task", "title: Buy milk")
    assert task["status_indicator"] == "loading"
    done = [event["item"] for event in events if event["type"] == "thread.item.done"]
    assert [item["type"] for item in done] == ["user_message", "workflow", "assistant_message"]
    assert done[1]["workflow"]["tasks"][0]["status_indicator"] == "complete"
    [stored] = await work_of(talk)
    assert stored.id == added["id"] == done[1]["id"]
    assert stored.workflow.tasks[0].status_indicator == "complete"


async def test_calls_at_the_same_time_share_an_item(talk: Conversation) -> None:
    """The item is done with its last call, even if the model gives all calls the same id."""

    def two_calls(progress: ToolProgress) -> list[ThreadStreamEvent]:
        begun = [*progress.started("", "one"), *progress.started("", "two")]
        return [*begun, *progress.finished(""), *progress.finished("", ok=False)]

    events = await talk.say("Go", using(talk.store, two_calls, answer))
    updates = [event["update"] for event in events if event["type"] == "thread.item.updated"]
    kinds = ["workflow.task.added", "workflow.task.updated", "workflow.task.updated"]
    assert [update["type"] for update in updates] == kinds
    assert [update["task_index"] for update in updates] == [1, 0, 1]
    [stored] = await work_of(talk)
    assert [task.title for task in stored.workflow.tasks if task.type == "custom"] == [
        "One",
        "Two (failed)",
    ]


@pytest.mark.parametrize("then", [begun(then=ValueError("x")), None])
async def test_interrupted_call_does_not_load_for_ever(
    talk: Conversation, then: Script | None
) -> None:
    """A turn that fails or is stopped while a tool runs stores the call, and shows no progress."""

    def start(progress: ToolProgress) -> list[ThreadStreamEvent]:
        return progress.started("1", "add_task")

    if then is not None:
        await talk.say("Go", using(talk.store, start, then))
    else:
        await talk.say("Hi", answer)
        talk.agent.script = using(talk.store, start, begun())
        events = talk.events("threads.add_user_message", input=message("Go"))
        await stop(await read_until("thread.item.added", events))
    [stored] = await work_of(talk)
    assert [task.status_indicator for task in stored.workflow.tasks] == ["none"]


async def test_failed_retry_keeps_the_old_answer_although_a_tool_ran(talk: Conversation) -> None:
    """What a tool did is shown, but it is no answer in the place of the old one."""
    await talk.say("Go", answer)
    first, old = await talk.ids()
    await talk.retry(first, using(talk.store, one_call, begun(then=ValueError("x"))))
    kept, *_ = [item.id for item in await talk.items() if item.type == "assistant_message"]
    assert kept == old
    assert len(await work_of(talk)) == 1


async def test_odd_calls(store: ChatStore) -> None:
    """An end without a beginning shows nothing; long arguments are cut."""
    thread = ThreadMetadata(id="thr", created_at=text("x", "").created_at)
    progress = ToolProgress(Turn(thread, None, [], store, ALICE))
    assert progress.finished("1") == []
    [event] = progress.started("1", "search", {"text": "word " * 100})
    assert event.type == "thread.item.added"
    assert isinstance(event.item, WorkflowItem)
    [task] = event.item.workflow.tasks
    assert task.type == "custom"
    assert len(task.content or "") == MAX_DETAILS
