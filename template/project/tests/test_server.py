"""What the server adds to the SDK: on the real store, with a small agent."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime

import pytest
from chatkit.server import StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClosedStatus,
    InferenceOptions,
    LockedStatus,
    ThreadAddUserMessageParams,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadStatus,
    ThreadStreamEvent,
    UserMessageInput,
    UserMessageItem,
    UserMessageTextContent,
)

from app.base import ChatStore, RequestContext, Turn, User
from app.errors import ApiError
from app.preconditions import check_request
from app.server import ChatServer
from app.titles import MAX_TITLE_LENGTH, first_words
from tests.backend import message

pytestmark = pytest.mark.anyio

CREATE = {"type": "threads.create", "params": {"input": message("Hi")}}

ALICE = RequestContext(User("alice"), request_id="test")


class Recorder:
    """An agent that keeps its turns, and finds a title only after its answer."""

    def __init__(self, title: str = "A title") -> None:
        self.turns: list[Turn] = []
        self._title = title
        self._answered = asyncio.Event()

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Answer with one message."""
        self.turns.append(turn)
        yield ThreadItemDoneEvent(item=assistant_message("msg_answer"))
        self._answered.set()

    async def title(self, text: str) -> str:
        """Wait for the answer; fail without a title."""
        await self._answered.wait()
        if not self._title:
            raise RuntimeError("no title")
        return self._title


class Undecided(Recorder):
    """An agent that never finds a title."""

    ended = False

    async def title(self, text: str) -> str:
        """Wait until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
        return ""


async def run_turn(
    server: ChatServer, thread: ThreadMetadata, message: UserMessageItem
) -> list[ThreadStreamEvent]:
    """Run a turn to its end."""
    return [event async for event in server.respond(thread, message, ALICE)]


async def save_thread(store: ChatStore, status: ThreadStatus | None = None) -> ThreadMetadata:
    """Store a thread without items."""
    thread = ThreadMetadata(id="thr_1", created_at=datetime.now())
    if status is not None:
        thread.status = status
    await store.save_thread(thread, ALICE)
    return thread


async def save_messages(store: ChatStore, number: int) -> list[UserMessageItem]:
    """Store messages of the user."""
    messages = [user_message(f"msg_{index}") for index in range(number)]
    for item in messages:
        await store.add_thread_item("thr_1", item, ALICE)
    return messages


def user_message(item_id: str, text: str = "Hello there") -> UserMessageItem:
    """Return a message of the user."""
    return UserMessageItem(
        id=item_id,
        thread_id="thr_1",
        created_at=datetime.now(),
        content=[UserMessageTextContent(text=text)],
        inference_options=InferenceOptions(),
    )


def assistant_message(item_id: str) -> AssistantMessageItem:
    """Return an answer."""
    return AssistantMessageItem(
        id=item_id,
        thread_id="thr_1",
        created_at=datetime.now(),
        content=[AssistantMessageContent(text="Hi")],
    )


@pytest.mark.parametrize("status", [LockedStatus(reason="Moved on."), ClosedStatus()], ids=str)
async def test_locked_thread_takes_no_message(store: ChatStore, status: ThreadStatus) -> None:
    """A thread that is locked or closed refuses more turns, and says why."""
    await save_thread(store, status)
    content = [UserMessageTextContent(text="Hi")]
    request = ThreadsAddUserMessageReq(
        params=ThreadAddUserMessageParams(
            thread_id="thr_1",
            input=UserMessageInput(
                content=list(content), attachments=[], inference_options=InferenceOptions()
            ),
        )
    )
    with pytest.raises(ApiError) as refused:
        await check_request(request, ChatServer(store, Recorder(), 10), ALICE)
    assert (refused.value.status, refused.value.code) == (409, f"thread_{status.type}")
    assert refused.value.message in {"Moved on.", "This thread is closed."}


async def test_history_is_the_newest_that_fits(store: ChatStore) -> None:
    """The agent gets HISTORY_ITEMS items, oldest first, with the message at the end."""
    agent = Recorder()
    thread = await save_thread(store)
    messages = await save_messages(store, 30)
    await run_turn(ChatServer(store, agent, 4), thread, messages[-1])
    assert [item.id for item in agent.turns[0].history] == ["msg_26", "msg_27", "msg_28", "msg_29"]


async def test_history_ends_with_the_message(store: ChatStore) -> None:
    """A message that arrived later gets its own turn."""
    agent = Recorder()
    thread = await save_thread(store)
    messages = await save_messages(store, 3)
    await run_turn(ChatServer(store, agent, 10), thread, messages[1])
    assert [item.id for item in agent.turns[0].history] == ["msg_0", "msg_1"]


async def test_answer_does_not_wait_for_the_title(store: ChatStore) -> None:
    """The title may be found after the answer, and is set in the same turn."""
    thread = await save_thread(store)
    events = await run_turn(ChatServer(store, Recorder("Tea"), 10), thread, user_message("msg_0"))
    assert [event.type for event in events] == ["thread.item.done"]
    assert thread.title == "Tea"


async def test_title_that_cannot_be_found_is_the_first_words(store: ChatStore) -> None:
    """An agent that fails to name a thread does not fail the turn."""
    thread = await save_thread(store)
    await run_turn(ChatServer(store, Recorder(""), 10), thread, user_message("msg_0"))
    assert thread.title == "Hello there"


async def test_stop_ends_the_search_for_a_title(store: ChatStore) -> None:
    """An answer that is stopped while its thread's title is awaited leaves nothing running."""
    agent = Undecided()
    thread = await save_thread(store)
    events = ChatServer(store, agent, 10).respond(thread, user_message("msg_0"), ALICE)
    await anext(events)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(events), timeout=0.1)
    assert agent.ended
    assert thread.title is None


async def test_failure_within_a_stream_is_an_error_event(store: ChatStore) -> None:
    """What fails after the first event ends the stream in order, and leaves no ghost thread."""
    server = ChatServer(store, Recorder(), 10)
    request = server.parse(json.dumps(CREATE).encode())
    result = await server.answer(request, ALICE)
    assert isinstance(result, StreamingResult)
    events = []
    async for chunk in result:
        events.append(json.loads(chunk.removeprefix(b"data: ")))
        if events[-1]["type"] == "thread.created":
            await store.delete_thread(events[-1]["thread"]["id"], ALICE)
    assert [event["type"] for event in events] == ["thread.created", "error"]
    assert (await store.load_threads(10, None, "desc", ALICE)).data == []


async def test_feedback_is_stored(store: ChatStore) -> None:
    """The user's verdict can be read back."""
    await save_thread(store)
    await save_messages(store, 2)
    server = ChatServer(store, Recorder(), 10)
    await server.add_feedback("thr_1", ["msg_1"], "negative", ALICE)
    assert await store.load_feedback("thr_1", ALICE) == {"msg_1": "negative"}


def test_long_title_is_cut_between_words() -> None:
    """A title is one line of a limited length."""
    title = first_words("one two\nthree " * 20)
    assert title.startswith("one two three one")
    assert title.endswith(("one…", "two…", "three…"))
    assert len(title) <= MAX_TITLE_LENGTH
