"""Streams asked for with the id of something that is not there: refused, not torn off."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip
from chatkit_scaffold.conformance.fixtures import UNKNOWN_ITEM, UNKNOWN_THREAD, conversation
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl (openai-chatkit 1.6.5)"


@check(
    "streaming-unknown-thread",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError, raised when the response has begun (openai-chatkit "
    "1.6.5)",
    fix="Take the stream's first event before the response starts; answer NotFoundError with a "
    "404.",
    needs={"transport-event-types"},
)
async def unknown_thread(target: Target) -> None:
    """A message for an unknown thread is refused: a 4xx or an `error` event, not a torn stream."""
    answer = await target.user.say(UNKNOWN_THREAD, "Is anybody there?")
    _require_told(answer)


@check(
    "streaming-unknown-item",
    level=Level.SHOULD,
    source=_SERVER + ": an unknown item gives an empty 200",
    fix="Look the item up before `process`, and answer 404 when the thread does not have it.",
    needs={"streaming-thread-created"},
)
async def unknown_item(target: Target) -> None:
    """A retry after an unknown item is refused: a 4xx or an `error` event, not an empty stream."""
    held = await conversation(target)
    answer = await target.user.stream(
        "threads.retry_after_item", thread_id=held.thread_id, item_id=UNKNOWN_ITEM
    )
    _require_told(answer)


@check(
    "streaming-unknown-attachment",
    level=Level.SHOULD,
    source="chatkit/server.py ChatKitServer._build_user_message_item (openai-chatkit 1.6.5)",
    fix="Look a message's attachments up before `process`, and answer 404 for one that is not "
    "there.",
    needs={"streaming-thread-created"},
)
async def unknown_attachment(target: Target) -> None:
    """A message with an unknown attachment is refused, not begun and torn off."""
    message = user_input("See the attachment.", attachments=("atc_0123456789abcdef",))
    answer = await target.user.stream("threads.create", input=message)
    if answer.ok and answer.answers:
        skip("the server accepts unknown attachments and answers")
    _require_told(answer)


def _require_told(answer: Exchange) -> None:
    expected = "404 with JSON, or an `error` event and a proper end"
    told = answer.is_client_error or (answer.ok and answer.of_type("error") and not answer.answers)
    require(told, answer, expected)
