"""What is stored of a turn that goes wrong, and that nothing else differs from the SDK."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime

import pytest
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    CustomTask,
    HiddenContextItem,
    LockedStatus,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    URLSource,
    UserMessageItem,
    WidgetItem,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
)
from chatkit.widgets import Card, Text
from starlette.requests import Request
from starlette.types import Message

from app.base import ChatStore, RequestContext, StoreUnavailableError, Turn
from app.recording import BROKEN_OFF
from app.server import ChatServer
from app.streaming import Turns
from tests.backend import Event, item_text, message

pytestmark = pytest.mark.anyio

ALICE = RequestContext(user_id="alice", request_id="test")

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
    """An event is encoded to the same bytes as by the SDK."""
    server = ChatServer(store, Scripted(), 10)
    thread = ThreadMetadata(id="thr", created_at=NOW, metadata={"nan": float("nan"), "none": None})
    async for event in everything(thread):
        assert server._serialize(event) == ChatKitServer._serialize(server, event)
    response = server._to_thread_response(thread)
    assert server._serialize(response) == ChatKitServer._serialize(server, response)


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


@pytest.fixture
async def talk(store: ChatStore) -> Conversation:
    """A conversation of two messages and two answers."""
    conversation = Conversation(store)
    await conversation.say("first", answered("One"))
    await conversation.say("second", answered("Two"))
    return conversation


async def test_broken_off_answer_is_kept(talk: Conversation) -> None:
    """What the user has seen is stored and marked, and an error offers a retry."""
    events = await talk.say("third", begun("Half ", "of it", then=ValueError("x")))
    assert [event["type"] for event in events][-2:] == ["thread.item.done", "error"]
    assert item_text(events[-2]["item"]) == "Half of it"
    assert events[-1]["allow_retry"] is True
    *_, kept, note = await talk.items()
    assert kept.id == events[-2]["item"]["id"]
    assert note.type == "sdk_hidden_context"
    assert note.content == BROKEN_OFF
    await talk.say("fourth", answered("Four"))
    assert note in talk.agent.turns[-1].history


async def test_nothing_is_kept_of_an_answer_without_text(talk: Conversation) -> None:
    """An answer that fails before its first word leaves the user's message only."""
    before = len(await talk.items())
    events = await talk.say("third", begun(then=CustomStreamError("No.", allow_retry=True)))
    assert (events[-1]["type"], events[-1]["message"]) == ("error", "No.")
    assert len(await talk.items()) == before + 1


async def test_failed_retry_keeps_the_old_answers(talk: Conversation) -> None:
    """Nothing is deleted for an answer that never comes."""
    before = await talk.items()
    events = await talk.retry(before[0].id, begun(then=ValueError("x")))
    assert events[-1]["type"] == "error"
    assert await talk.items() == before


async def test_retry_replaces_what_follows(talk: Conversation) -> None:
    """The new answer takes the place of all that followed, which the agent does not get."""
    first, *_ = await talk.ids()
    await talk.retry(first, answered("New"))
    assert [item.id for item in talk.agent.turns[-1].history] == [first]
    assert await talk.ids() == [first, "msg_New"]


async def test_retry_of_the_last_message_keeps_what_precedes(talk: Conversation) -> None:
    """The agent gets the conversation up to the message."""
    first, one, second, _ = await talk.ids()
    await talk.retry(second, answered("New"))
    assert [item.id for item in talk.agent.turns[-1].history] == [first, one, second]
    assert await talk.ids() == [first, one, second, "msg_New"]


async def test_retry_may_use_an_id_again(talk: Conversation) -> None:
    """An item that the new answer stores under its old id is not deleted."""
    first, *_ = await talk.ids()
    await talk.retry(first, answered("One"))
    assert await talk.ids() == [first, "msg_One"]


async def test_retry_that_breaks_off_replaces_by_its_part(talk: Conversation) -> None:
    """What the user has seen of the new answer counts as its beginning."""
    first, *_ = await talk.ids()
    await talk.retry(first, begun("New", then=ValueError("x")))
    assert await talk.ids() == [first, "msg_New"]


async def test_stopped_retry_replaces_by_its_part(talk: Conversation) -> None:
    """A retry that is stopped after its first word replaces the old answers."""
    first, *_ = await talk.ids()
    await talk.stop_retry(first, begun("New"), after="thread.item.updated")
    assert await talk.ids() == [first, "msg_New"]


async def test_retry_stopped_at_once_changes_nothing(talk: Conversation) -> None:
    """A retry that is stopped before its first word leaves the thread as it was."""
    before = await talk.items()
    await talk.stop_retry(before[0].id, begun(), after="thread.item.added")
    assert await talk.items() == before


@pytest.mark.parametrize("operation", ["say", "retry"])
async def test_thread_deleted_during_a_turn(
    talk: Conversation, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The user deletes the thread in another tab: nothing to retry, and no fault for the log."""

    async def delete_then_answer(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        await talk.store.delete_thread(thread.id, ALICE)
        yield ThreadItemDoneEvent(item=text("msg_late", "Late"))

    first, *_ = await talk.ids()
    act = {"say": talk.say, "retry": talk.retry}[operation]
    *_, last = await act({"say": "third", "retry": first}[operation], delete_then_answer)
    assert (last["type"], last["allow_retry"]) == ("error", False)
    with pytest.raises(NotFoundError):
        await talk.items()
    assert "turn failed" not in caplog.text


async def test_agent_that_misses_something_is_a_fault(talk: Conversation) -> None:
    """What an agent does not find is not the thread: its answer is kept and can be retried."""
    *_, kept, error = await talk.say("third", begun("Half", then=NotFoundError("file")))
    assert item_text(kept["item"]) == "Half"
    assert error["allow_retry"] is True


async def test_client_that_leaves_the_queue_leaves_no_trace(talk: Conversation) -> None:
    """A message whose sender gives up before its turn has begun is not stored."""
    leave = asyncio.Event()

    async def receive() -> Message:
        await leave.wait()
        return {"type": "http.disconnect"}

    talk.agent.script = begun("Half")
    say = "threads.add_user_message"
    running = await read_until("thread.item.updated", talk.events(say, input=message("third")))
    queued = await talk.stream(say, input=message("never mind"))
    waiting = asyncio.create_task(Turns().start(queued, Request({"type": "http"}, receive)))
    leave.set()
    assert (await waiting).status_code == 499
    await stop(running)
    await talk.say("fourth", answered("Four"))
    asked = [item for item in await talk.items() if isinstance(item, UserMessageItem)]
    said = [part.text for item in asked for part in item.content]
    assert said == ["first", "second", "third", "fourth"]


async def test_store_that_is_briefly_away_is_waited_for(
    talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is stored when the store is back, and the user sees no error."""
    add, failures = talk.store.add_thread_item, 2

    async def interrupted(thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        nonlocal failures
        if item.type == "assistant_message" and failures:
            failures -= 1
            raise StoreUnavailableError("away")
        await add(thread_id, item, context)

    monkeypatch.setattr(talk.store, "add_thread_item", interrupted)
    events = await talk.say("third", answered("Three"))
    assert failures == 0
    assert "error" not in [event["type"] for event in events]
    assert (await talk.ids())[-1] == "msg_Three"


async def test_half_an_emoji_is_replaced(talk: Conversation) -> None:
    """Text that cannot be encoded tears no stream, wherever it is."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        thread.metadata["key"] = "\udcff"
        yield ThreadItemAddedEvent(item=text("msg", ""))
        yield delta("msg", "a\ude00b")
        yield ThreadItemDoneEvent(item=text("msg", "a\ude00b"))
        raise CustomStreamError("\ud83d", allow_retry=True)

    events = await talk.say("third", script)
    assert [event["update"]["delta"] for event in events if "update" in event] == ["a\ufffdb"]
    (error,) = [event for event in events if event["type"] == "error"]
    assert error["message"] == "\ufffd"
    assert (await talk.items())[-1] == text("msg", "a\ufffdb")
    thread = await talk.store.load_thread(talk.thread_id, ALICE)
    assert thread.metadata["key"] == "\ufffd"


async def test_emoji_in_two_deltas_is_joined(talk: Conversation) -> None:
    """The halves of an emoji are sent as one, with the second delta."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        yield ThreadItemAddedEvent(item=text("msg", ""))
        for words in ("a\ud83d", "\ude00b 😀", "\ud83d"):
            yield delta("msg", words)
        yield ThreadItemDoneEvent(item=text("msg", "a\ud83d\ude00b 😀"))

    events = await talk.say("third", script)
    assert [event["update"]["delta"] for event in events if "update" in event] == [
        "a",
        "😀b 😀",
        "",
    ]
    assert item_text(events[-1]["item"]) == "a😀b 😀"


async def test_users_title_wins(store: ChatStore) -> None:
    """A rename during a turn stays, whenever it comes, and the client gets it."""
    for number in range(30):
        conversation = Conversation(store)

        async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
            for index in range(6):
                await asyncio.sleep(0)
                yield ThreadItemDoneEvent(item=text(f"msg_{index}", "x"))

        conversation.agent.script = script
        titles, seen = [], 0
        async for event in conversation.events("threads.create", input=message("Hi")):
            if event["type"] == "thread.created":
                thread_id = event["thread"]["id"]
            if event["type"] == "thread.updated":
                titles.append(event["thread"]["title"])
            if seen == number % 8:
                await store.rename_thread(thread_id, "Mine", ALICE)
                renamed_before_title = not titles
            seen += 1
        stored = await store.load_thread(thread_id, ALICE)
        assert stored.title == "Mine"
        assert titles == (["Mine"] if renamed_before_title else ["A title"])


async def test_title_is_set_once(store: ChatStore) -> None:
    """Without a rename, the agent's title is stored and sent, in the first turn only."""
    conversation = Conversation(store)
    events = await conversation.say("Hi", answered("One"))
    events += await conversation.say("Hi again", answered("Two"))
    titles = [event["thread"]["title"] for event in events if event["type"] == "thread.updated"]
    assert titles == ["A title"]


async def test_agent_may_set_the_title_itself(store: ChatStore) -> None:
    """The title that an agent gives in its answer is kept instead of the one it finds."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        thread.title = "Its own"
        yield ThreadItemDoneEvent(item=text("msg", "x"))
        await asyncio.sleep(0)

    conversation = Conversation(store)
    events = await conversation.say("Hi", script)
    titles = [event["thread"]["title"] for event in events if event["type"] == "thread.updated"]
    assert titles == ["Its own"]
    assert (await store.load_thread(conversation.thread_id, ALICE)).title == "Its own"
