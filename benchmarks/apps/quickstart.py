"""The backend of the SDK's quickstart: one store in memory, one route, no users.

Only the answer differs, which needs no model.

Source: openai-chatkit docs/quickstart.md, "Run your ChatKit server", "Store chat data" and
"Generate model responses" (2026).
"""

# ruff: noqa: ARG002, D102, DTZ005, PLR0917 - the SDK's interface and its naive times

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    Page,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from benchmarks.apps.answer import answer

Context = dict[str, Any]


class QuickstartStore(Store[Context]):
    """Keeps everything in two dictionaries."""

    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, list[ThreadItem]] = defaultdict(list)

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(f"Thread {thread_id} not found")
        return self.threads[thread_id]

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        self.threads[thread.id] = thread

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        threads = list(self.threads.values())
        return _paginate(
            threads, after, limit, order, lambda thread: thread.created_at, lambda thread: thread.id
        )

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        items = self.items.get(thread_id, [])
        return _paginate(
            items, after, limit, order, lambda item: item.created_at, lambda item: item.id
        )

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items[thread_id].append(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        items = self.items[thread_id]
        for index, existing in enumerate(items):
            if existing.id == item.id:
                items[index] = item
                return
        items.append(item)

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        for item in self.items.get(thread_id, []):
            if item.id == item_id:
                return item
        raise NotFoundError(f"Item {item_id} not found in thread {thread_id}")

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        self.threads.pop(thread_id, None)
        self.items.pop(thread_id, None)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        items = self.items.get(thread_id, [])
        self.items[thread_id] = [item for item in items if item.id != item_id]

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotImplementedError


def _paginate(
    rows: list[Any],
    after: str | None,
    limit: int,
    order: str,
    sort_key: Callable[[Any], Any],
    cursor_key: Callable[[Any], str],
) -> Page[Any]:
    sorted_rows = sorted(rows, key=sort_key, reverse=order == "desc")
    start = 0
    if after:
        for index, row in enumerate(sorted_rows):
            if cursor_key(row) == after:
                start = index + 1
                break
    data = sorted_rows[start : start + limit]
    has_more = start + limit < len(sorted_rows)
    next_after = cursor_key(data[-1]) if has_more and data else None
    return Page(data=data, has_more=has_more, after=next_after)


class QuickstartServer(ChatKitServer[Context]):
    """Loads the history and streams the answer."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        await self.store.load_thread_items(thread.id, None, 20, "asc", context)
        item = AssistantMessageItem(
            thread_id=thread.id,
            id=self.store.generate_item_id("message", thread, context),
            created_at=datetime.now(),
            content=[],
        )
        async for event in answer(item):
            yield event


app = FastAPI()
server = QuickstartServer(store=QuickstartStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    """Pass the request to the SDK."""
    result = await server.process(await request.body(), context={})
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(content=result.json, media_type="application/json")
