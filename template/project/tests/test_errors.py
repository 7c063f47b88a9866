"""Errors that end an answer have a message for the user."""

from collections.abc import AsyncGenerator

import pytest
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.types import ErrorEvent, ThreadItemDoneEvent, ThreadMetadata, ThreadStreamEvent

from app.base import ChatStore
from tests.scripted import Conversation, Script, begun, text

pytestmark = pytest.mark.anyio

UNFINISHED = "The answer could not be finished."
TRY_AGAIN = f"{UNFINISHED} Please try again."
STREAM_ERROR = ErrorCode.STREAM_ERROR


def sending(error: ErrorEvent) -> Script:
    """Send the event after a message, as agents may."""

    async def script(thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent]:
        yield ThreadItemDoneEvent(item=text("msg_1", "One"))
        yield error

    return script


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (begun("One", then=ValueError("internal")), TRY_AGAIN),
        (begun("One", then=StreamError(STREAM_ERROR)), TRY_AGAIN),
        (begun("One", then=StreamError(STREAM_ERROR, allow_retry=False)), UNFINISHED),
        (sending(ErrorEvent(code=STREAM_ERROR, allow_retry=True)), TRY_AGAIN),
        (sending(ErrorEvent(message="", allow_retry=True)), TRY_AGAIN),
        (sending(ErrorEvent(message=" \n")), UNFINISHED),
        # These have one of their own.
        (begun("One", then=CustomStreamError("No.", allow_retry=True)), "No."),
        (sending(ErrorEvent(message="Geht nicht. ")), "Geht nicht. "),
        (sending(ErrorEvent(code=STREAM_ERROR, message=".", allow_retry=True)), "."),
    ],
)
async def test_error_has_a_message(store: ChatStore, script: Script, message: str) -> None:
    """One that has none gets one that fits; one that has any keeps it as it is."""
    events = await Conversation(store).say("Hi", script)
    (error,) = [event for event in events if event["type"] == "error"]
    assert error["message"] == message


async def test_nothing_else_changes(store: ChatStore) -> None:
    """The code, by which clients find words of their own, stays, and so does the agent's event."""
    sent = ErrorEvent(code=STREAM_ERROR, allow_retry=True)
    events = await Conversation(store).say("Hi", sending(sent))
    (error,) = [event for event in events if event["type"] == "error"]
    assert error == {
        "type": "error",
        "code": "stream.error",
        "message": TRY_AGAIN,
        "allow_retry": True,
    }
    assert sent.message is None
