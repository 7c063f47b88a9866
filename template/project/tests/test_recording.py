"""What is stored of a turn that goes wrong, is retried or is stopped."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from chatkit.errors import CustomStreamError
from chatkit.store import NotFoundError
from chatkit.types import (
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from starlette.requests import Request
from starlette.types import Message

from app.base import ChatStore, RequestContext, StoreUnavailableError
from app.recording import BROKEN_OFF
from app.streaming import Turns
from tests.backend import item_text, message
from tests.scripted import (
    ALICE,
    Conversation,
    answered,
    begun,
    delta,
    read_until,
    stop,
    text,
)

pytestmark = pytest.mark.anyio


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
