"""Faults that only long or stopped conversations show, and models that remember in other ways."""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

import asyncio
import re
from collections.abc import Callable
from typing import Any

from chatkit.types import Page

from tests.conformance.servers.agent_faults import answering, model_reply
from tests.conformance.servers.correct import Fault, Parts
from tests.conformance.servers.http_faults import operation
from tests.conformance.servers.middleware import BufferedResponse, Json, change_responses


def _paging(change: Callable[[Any, Any, str], Any]) -> Callable[[Parts], None]:
    """Change the pages of items; *change* gets the page, its cursor and its order."""

    def inside(parts: Parts) -> None:
        original = parts.store.load_thread_items

        async def load_thread_items(
            thread_id: str, after: Any, limit: int, order: str, context: Any
        ) -> Any:
            await asyncio.sleep(0.001)  # a database lets other requests run, too
            page = await original(thread_id, after, limit, order, context)
            return change(page, after, order)

        parts.store.load_thread_items = load_thread_items

    return inside


def _later_pages_ascending(page: Any, after: Any, order: str) -> Any:
    """Honor the order on the first page only."""
    ascending = page.data[::-1] if after and order == "desc" else page.data
    return page.model_copy(update={"data": ascending})


def _without_cursor(page: Any, after: Any, order: str) -> Any:
    return Page(data=page.data, has_more=page.has_more)


def _hidden_in_lists(request: Json, response: BufferedResponse) -> None:
    """Return hidden context from items.list, which a hand-written route does not filter."""
    if operation(request) == "items.list" and response.status == 200:
        hidden = {"id": "h1", "type": "sdk_hidden_context", "content": "The user stopped this."}
        response.body["data"].append(hidden)


def _thousands(messages: list[str]) -> str:
    """Keep secrets, and write numbers for people, as in **12,345**."""
    if "secret word" in messages[-1]:
        return "I'm sorry, but I keep secrets to myself."
    return re.sub(r"^(\d+)(\d{3})$", r"**\1,\2**", model_reply(messages))


FAULTS: dict[str, Fault] = {
    "items-retry-long": Fault(patch=_paging(_later_pages_ascending)),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "pages without a cursor": (
        "threads-items-paged",
        Fault(patch=_paging(_without_cursor), timeout=1.5),
    ),
    "hidden context in items.list": (
        "items-hidden-not-shown",
        Fault(middleware=change_responses(_hidden_in_lists)),
    ),
}
ODD: dict[str, Fault] = {
    "history repeated": Fault(patch=answering("\n".join)),
    "secrets kept": Fault(patch=answering(_thousands)),
}
