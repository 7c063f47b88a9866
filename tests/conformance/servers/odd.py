"""Servers that are right, each unusual in one way; no check may fail on them."""

# ruff: noqa: ARG005 - a variant has the signature of what it replaces

import base64
from collections.abc import AsyncIterator
from typing import Any

from chatkit.types import Page

from tests.conformance.servers.agent_faults import remembering
from tests.conformance.servers.correct import NO_FAULT, Fault, Parts, module
from tests.conformance.servers.middleware import (
    BufferedResponse,
    Headers,
    Json,
    change_events,
    change_headers,
    change_requests,
    change_responses,
)
from tests.conformance.servers.serving import App


def _capped(parts: Parts) -> None:
    """Return at most two threads or twenty items per page, whatever the limit."""
    threads, items = parts.store.load_threads, parts.store.load_thread_items

    async def load_threads(limit: int, after: str, order: str, context: object) -> Page[object]:
        page: Page[object] = await threads(min(limit, 2), after, order, context)
        return page

    async def load_thread_items(
        thread_id: str, after: str, limit: int, order: str, context: object
    ) -> Page[object]:
        page: Page[object] = await items(thread_id, after, min(limit, 20), order, context)
        return page

    parts.store.load_threads, parts.store.load_thread_items = load_threads, load_thread_items


def _without_optional(event: Json) -> list[Json]:
    """Leave out optional events."""
    optional = ("stream_options", "thread.updated", "progress_update")
    return [] if event["type"] in optional else [event]


def _sequential_ids(parts: Parts) -> None:
    """Use sequential numbers as ids."""
    numbers = iter(range(1, 10_000))
    parts.store.generate_thread_id = lambda context: str(next(numbers))
    parts.store.generate_item_id = lambda kind, thread, context: str(next(numbers))


def _without_cors(_: int, headers: Headers) -> None:
    """Allow no other origin: the page comes from the same one."""
    for name in [name for name in headers if name.startswith("access-control-")]:
        del headers[name]


def _busy_not_deleted(parts: Parts) -> None:
    """Refuse to delete a thread while an answer is being written to it."""
    respond, delete = parts.agent.respond, parts.store.delete_thread
    busy: set[str] = set()

    async def respond_busily(turn: Any) -> AsyncIterator[Any]:
        busy.add(turn.thread.id)
        try:
            async for event in respond(turn):
                yield event
        finally:
            busy.discard(turn.thread.id)

    async def delete_thread(thread_id: str, context: Any) -> None:
        if thread_id in busy:
            raise module("app.errors").ApiError(409, "busy", "An answer is being written.")
        await delete(thread_id, context)

    parts.agent.respond, parts.store.delete_thread = respond_busily, delete_thread


def _opaque_cursors(app: App) -> App:
    """Use cursors that are no ids, and an empty one on the last page."""

    def encode(_: Json, response: BufferedResponse) -> None:
        if isinstance(response.body, dict) and "has_more" in response.body:
            cursor = response.body.get("after") or ""
            response.body["after"] = base64.b64encode(cursor.encode()).decode()

    def decode(request: Json) -> Json:
        params = request.get("params")
        if isinstance(params, dict) and isinstance(cursor := params.get("after"), str):
            params["after"] = base64.b64decode(cursor).decode()
        return request

    return change_requests(decode)(change_responses(encode)(app))


ODD: dict[str, Fault] = {
    "unchanged": NO_FAULT,
    "limit capped": Fault(patch=_capped),
    "same origin": Fault(middleware=change_headers(_without_cors)),
    "no optional events": Fault(middleware=change_events(_without_optional)),
    "opaque cursors": Fault(middleware=_opaque_cursors),
    "busy threads not deleted": Fault(patch=_busy_not_deleted),
    "sequential ids": Fault(patch=_sequential_ids),
    "no deltas": Fault(patch=remembering(lambda items: items)),
}
