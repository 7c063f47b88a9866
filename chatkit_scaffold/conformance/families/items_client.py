"""Items and the client: feedback, tool output, and what the client must not see."""

import json

from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, require_equal, untestable
from chatkit_scaffold.conformance.fixtures import conversation, own_thread
from chatkit_scaffold.conformance.fixtures_streams import stopped_answer
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import ids, rows

_SERVER = "chatkit/server.py ChatKitServer"
_HIDDEN = ("hidden_context_item", "sdk_hidden_context")


@check(
    "items-feedback-taken",
    level=Level.SHOULD,
    source="chatkit/types.py ItemsFeedbackReq; chatkit/server.py ChatKitServer.add_feedback",
    fix="Override `add_feedback` and store the feedback; the SDK returns `{}`.",
    needs={"threads-read-after-first-turn", "streaming-answer-arrives"},
    judges_errors=True,
)
async def feedback_taken(target: Target) -> None:
    """The server accepts positive and then negative feedback on the same answer."""
    thread = await own_thread(target)
    item_ids = ids(thread.turn.answers)[:1]
    if not item_ids:
        untestable("a message gets no answer")
    for kind in ("positive", "negative"):
        response = await target.user.call(
            "items.feedback", thread_id=thread.id, item_ids=item_ids, kind=kind
        )
        require(response.ok, response, "200")


@check(
    "items-tool-output-unasked",
    level=Level.SHOULD,
    source=_SERVER + ".ThreadsAddClientToolOutputReq raises ValueError without a pending call",
    fix="Look for a pending client tool call before `process`, and return 409 if there is none.",
    needs={"threads-read-after-first-turn"},
    judges_errors=True,
)
async def tool_output_unasked(target: Target) -> None:
    """Output for a client tool that was not called gets a 4xx or an `error` event."""
    thread = await own_thread(target)
    response = await target.user.stream(
        "threads.add_client_tool_output", thread_id=thread.id, result={"done": True}
    )
    error_event = response.ok and response.events_of_type("error")
    expected = "409 with JSON, or an `error` event and the end of the stream"
    require(response.is_client_error or error_event, response, expected)
    after = await target.user.call("threads.get_by_id", thread_id=thread.id)
    found = ids(rows(after.json, "items", "data"))
    require_equal(found, ids(thread.items), "items", response)


@check(
    "items-hidden-not-shown",
    level=Level.MUST,
    source="chatkit/types.py HiddenContextItem: never sent to the client",
    fix="Remove HiddenContextItem and SDKHiddenContextItem from every response, as the SDK does.",
    needs={"transport-event-types"},
    last=True,
)
async def hidden_not_shown(target: Target) -> None:
    """Hidden context is never sent to the client."""
    await conversation(target)
    # After a stop, the SDK adds a hidden note to the thread.
    if stopped := await stopped_answer(target):
        thread_id = stopped.thread_id
        await target.user.call("threads.get_by_id", thread_id=thread_id)
        for order in ("asc", "desc"):
            await target.user.call("items.list", thread_id=thread_id, limit=20, order=order)
    for exchange in target.exchanges:
        sent = [event.data for event in exchange.events] or [exchange.json]
        # A text that mentions such a type has escaped quotation marks.
        text = json.dumps(sent)
        for kind in _HIDDEN:
            if f'"type": "{kind}"' in text:
                fail(exchange, "no hidden context", f"an item of type {kind}")
