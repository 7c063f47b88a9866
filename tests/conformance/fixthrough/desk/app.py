"""Support desk: a ChatKit backend behind an API gateway's bearer tokens."""

# ruff: noqa
# mypy: ignore-errors

import asyncio
from datetime import datetime

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
)
from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tests.conformance.fixthrough.model import complete

TOKENS = {"alice-token": "alice", "bob-token": "bob"}

current_answer = ""
current_thread = None


class DeskStore(Store[dict]):
    """Keeps each user's conversations; writing takes as long as a small database does."""

    def __init__(self):
        self.threads = {}
        self.items = {}

    async def load_thread(self, thread_id, context):
        owner, thread = self.threads.get(thread_id, (None, None))
        if owner != context["user"]:
            raise NotFoundError(f"Thread {thread_id} not found")
        return thread.model_copy()

    async def save_thread(self, thread, context):
        await asyncio.sleep(0.002)
        self.threads[thread.id] = (context["user"], thread)

    async def load_threads(self, limit, after, order, context):
        mine = [thread for owner, thread in self.threads.values() if owner == context["user"]]
        return paginate(mine, limit, after, order)

    async def delete_thread(self, thread_id, context):
        await self.load_thread(thread_id, context)
        self.threads.pop(thread_id)

    async def add_thread_item(self, thread_id, item, context):
        await self.load_thread(thread_id, context)
        await asyncio.sleep(0.002)
        self.items.setdefault(thread_id, {})[item.id] = item

    save_item = add_thread_item

    async def load_thread_items(self, thread_id, after, limit, order, context):
        return paginate(list(self.items.get(thread_id, {}).values()), limit, after, order)

    async def load_item(self, thread_id, item_id, context):
        await self.load_thread(thread_id, context)
        return self.items[thread_id][item_id]

    async def delete_thread_item(self, thread_id, item_id, context):
        await self.load_thread(thread_id, context)
        del self.items[thread_id][item_id]

    async def save_attachment(self, attachment, context):
        raise NotImplementedError

    async def load_attachment(self, attachment_id, context):
        raise NotImplementedError

    async def delete_attachment(self, attachment_id, context):
        raise NotImplementedError


def paginate(rows, limit, after, order):
    if order == "desc":
        rows = rows[::-1]
    ids = [row.id for row in rows]
    start = ids.index(after) + 1 if after in ids else 0
    page = rows[start : start + limit]
    more = len(rows) > start + limit
    return Page(data=page, has_more=more, after=page[-1].id if more else None)


class DeskServer(ChatKitServer[dict]):
    async def respond(self, thread, input_user_message, context):
        global current_answer, current_thread
        current_answer = ""
        current_thread = thread
        page = await self.store.load_thread_items(thread.id, None, 50, "desc", context)
        history = [
            item.content[0].text for item in page.data[::-1] if isinstance(item, UserMessageItem)
        ]
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[],
        )
        yield ThreadItemAddedEvent(item=item)
        async for delta in complete(history):
            current_answer += delta
            yield ThreadItemUpdatedEvent(
                item_id=item.id,
                update=AssistantMessageContentPartTextDelta(content_index=0, delta=delta),
            )
        content = [AssistantMessageContent(text=current_answer)]
        yield ThreadItemDoneEvent(
            item=item.model_copy(update={"content": content, "thread_id": current_thread.id})
        )


app = FastAPI(title="Desk")
server = DeskServer(DeskStore())

app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:3000"],
    allow_methods=["POST"],
    allow_headers=["*"],
)


@app.middleware("http")
async def require_token(request: Request, call_next):
    if request.method != "OPTIONS" and "authorization" not in request.headers:
        return JSONResponse({"error": "Missing token"}, status_code=401)
    return await call_next(request)


def user_of(request: Request) -> str:
    token = request.headers["authorization"].removeprefix("Bearer ")
    if token not in TOKENS:
        raise HTTPException(status_code=401, detail="Invalid token")
    return TOKENS[token]


@app.post("/chatkit")
async def chatkit(request: Request):
    try:
        result = await server.process(await request.body(), {"user": user_of(request)})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(content=result.json, media_type="application/json")
    except Exception as e:
        raise HTTPException(status_code=500, detail=str(e))
