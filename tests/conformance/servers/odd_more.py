"""More servers that are right, each unusual in one way; no check may fail on them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from chatkit.types import (
    HiddenContextItem,
    ThreadItemDoneEvent,
    ThreadsRetryAfterItemReq,
    UserMessageItem,
)
from starlette.exceptions import HTTPException

from tests.conformance.servers.attachments import serving_files
from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.middleware import BufferedResponse, Json, change_responses
from tests.conformance.servers.parallel_faults import MESSAGES, refused_meanwhile


def _notes_for_the_agent(parts: Parts) -> None:
    """Store a hidden note after every answer, which the SDK leaves out of every page."""
    respond = parts.agent.respond

    async def respond_with_a_note(turn: Any) -> AsyncIterator[Any]:
        async for event in respond(turn):
            yield event
        note = HiddenContextItem(
            id=parts.store.generate_item_id("message", turn.thread, turn.context),
            thread_id=turn.thread.id,
            created_at=datetime.now(),  # noqa: DTZ005 - as the SDK does
            content="The user seems content.",
        )
        yield ThreadItemDoneEvent(item=note)

    parts.agent.respond = respond_with_a_note


def _last_message_retried(parts: Parts) -> None:
    """Refuse to retry any message but the last one."""
    original = parts.server.answer

    async def answer(request: Any, context: Any) -> Any:
        if isinstance(request, ThreadsRetryAfterItemReq):
            thread_id, item_id = request.params.thread_id, request.params.item_id
            page = await parts.store.load_thread_items(thread_id, None, 1000, "desc", context)
            messages = [item.id for item in page.data if isinstance(item, UserMessageItem)]
            if item_id in messages[1:]:
                raise HTTPException(409, "only the last message can be sent again")
        return await original(request, context)

    parts.server.answer = answer


def _without_body(request: Json, response: BufferedResponse) -> None:
    """Return 204 and nothing after a file was deleted."""
    deletes = isinstance(request, dict) and request.get("type") == "attachments.delete"
    if deletes and response.status == 200:
        response.status, response.body = 204, b""


ODD: dict[str, Fault] = {
    "hidden notes": Fault(patch=_notes_for_the_agent),
    "only the last message retried": Fault(patch=_last_message_retried),
    "429 during an answer": Fault(middleware=refused_meanwhile(MESSAGES, 429)),
    "204 after deleting a file": Fault(
        patch=serving_files(), middleware=change_responses(_without_body)
    ),
}
