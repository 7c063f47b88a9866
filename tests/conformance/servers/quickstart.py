"""A backend as in the SDK's quickstart: one process, one store, no users.

It sorts items by time, stores threads unchanged, catches no exception of `process`, uses the
default ids and headers, and passes the oldest 20 items to the model. The model is replaced by
one that needs no network.

Source: openai-chatkit docs/quickstart.md, "Run your ChatKit server" and "Generate model
responses" (2026).
"""

# ruff: noqa: ARG002, D102, DTZ005 - the SDK's interface and its naive times

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    Page,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from tests.conformance.servers.agent_faults import model_reply
from tests.conformance.servers.serving import App

Context = dict[str, Any]


class QuickstartStore(Store[Context]):
    """Keeps all users' data in two dictionaries."""

    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, list[ThreadItem]] = defaultdict(list)

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return self.threads[thread_id]

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        self.threads[thread.id] = thread

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        return _page(list(self.threads.values()), after, limit, order)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        return _page(self.items.get(thread_id, []), after, limit, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items[thread_id].append(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        kept = [one for one in self.items[thread_id] if one.id != item.id]
        self.items[thread_id] = [*kept, item]

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        for item in self.items.get(thread_id, []):
            if item.id == item_id:
                return item
        raise NotFoundError(item_id)

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        self.threads.pop(thread_id, None)
        self.items.pop(thread_id, None)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        self.items[thread_id] = [one for one in self.items[thread_id] if one.id != item_id]

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotImplementedError


class QuickstartServer(ChatKitServer[Context]):
    """Answers from the oldest 20 items."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Pass the items to the model and stream its answer as one finished item."""
        page = await self.store.load_thread_items(thread.id, None, 20, "asc", context)
        messages = [item.content[0].text for item in page.data if isinstance(item, UserMessageItem)]
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(
                thread_id=thread.id,
                id=self.store.generate_item_id("message", thread, context),
                created_at=datetime.now(),
                content=[AssistantMessageContent(text=model_reply(messages))],
            )
        )


def build() -> App:
    """Return the application."""
    app = FastAPI()
    server = QuickstartServer(store=QuickstartStore())

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), context={})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(content=result.json, media_type="application/json")

    return app


def _page(rows: list[Any], after: str | None, limit: int, order: str) -> Page[Any]:
    ordered = sorted(rows, key=lambda row: row.created_at, reverse=order == "desc")
    ids = [row.id for row in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    data = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return Page(data=data, has_more=more, after=data[-1].id if more and data else None)
