"""Streaming operations with an unknown id: they fail cleanly."""

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import require, skip
from chatkit_scaffold.conformance.fixtures import UNKNOWN_ITEM, own_thread, unknown_thread
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.exchange import Exchange

_SERVER = "chatkit/server.py ChatKitServer._process_streaming_impl"


@check(
    "streaming-unknown-thread",
    level=Level.MUST,
    source="chatkit/store.py NotFoundError, raised after the response has started",
    fix="Raise NotFoundError in Store.load_thread (do not return None), await the stream's first "
    "event before you start the response, and return 404 for NotFoundError.",
    needs={"transport-event-types"},
    judges_errors=True,
)
async def unknown_thread_refused(target: Target) -> None:
    """A message to an unknown thread gets a 4xx or an `error` event, not a broken stream."""
    response = await target.user.say(unknown_thread(), "Is anybody there?")
    _require_refused(response)


@check(
    "streaming-unknown-item",
    level=Level.SHOULD,
    source=_SERVER + ": returns an empty 200 for an unknown item",
    fix="Load the item before `process`, and return 404 if the thread does not have it.",
    needs={"transport-event-types"},
    judges_errors=True,
)
async def unknown_item(target: Target) -> None:
    """A retry after an unknown item gets a 4xx or an `error` event, not an empty stream."""
    thread = await own_thread(target)
    response = await target.user.stream(
        "threads.retry_after_item", thread_id=thread.id, item_id=UNKNOWN_ITEM
    )
    _require_refused(response)


@check(
    "streaming-unknown-attachment",
    level=Level.SHOULD,
    source="chatkit/server.py ChatKitServer._build_user_message_item",
    fix="Load a message's attachments before `process`, and return 404 if one does not exist.",
    needs={"transport-event-types"},
    judges_errors=True,
)
async def unknown_attachment(target: Target) -> None:
    """A message with an unknown attachment gets a 4xx or an `error` event, not a broken stream."""
    message = user_input("See the attachment.", attachments=("atc_0123456789abcdef",))
    response = await target.user.stream("threads.create", input=message)
    if response.ok and response.answers:
        skip("the server accepts unknown attachments")
    _require_refused(response)


def _require_refused(response: Exchange) -> None:
    error_event = response.ok and response.events_of_type("error") and not response.answers
    expected = "404 with JSON, or an `error` event and the end of the stream"
    require(response.is_client_error or error_event, response, expected)
