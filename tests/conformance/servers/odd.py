"""Servers that are right, each unusual in one way; no check may fail on them."""

# ruff: noqa: ARG005 - a variant has the signature of what it replaces

from chatkit.types import Page

from tests.conformance.servers.agent_faults import remembering
from tests.conformance.servers.correct import NO_FAULT, Fault, Parts
from tests.conformance.servers.middleware import Headers, Json, change_events, change_headers


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


ODD: dict[str, Fault] = {
    "unchanged": NO_FAULT,
    "limit capped": Fault(patch=_capped),
    "same origin": Fault(middleware=change_headers(_without_cors)),
    "no optional events": Fault(middleware=change_events(_without_optional)),
    "sequential ids": Fault(patch=_sequential_ids),
    "no deltas": Fault(patch=remembering(lambda items: items)),
}
