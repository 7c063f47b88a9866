"""To-do assistant: the ChatKit endpoint routes each request type to its own handler."""

# ruff: noqa
# mypy: ignore-errors

import json
import uuid
from collections import defaultdict
from datetime import datetime

from chatkit.server import ChatKitServer
from chatkit.store import Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    UserMessageItem,
)
from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from tests.conformance.fixthrough.model import complete

CONVERSATIONS: dict[str, dict] = {}
MESSAGES: dict[str, list] = defaultdict(list)


class ConversationStore(Store[dict]):
    """Maps ChatKit's threads and items to conversations and messages."""

    def __init__(self, user_id):
        self.user_id = user_id

    async def load_thread(self, thread_id, context):
        row = CONVERSATIONS.get(thread_id)
        if row is None:
            return await self.create(context)
        return ThreadMetadata(**{key: row[key] for key in ("id", "title", "created_at")})

    async def create(self, context):
        thread = ThreadMetadata(id=self.generate_thread_id(context), created_at=datetime.now())
        await self.save_thread(thread, context)
        return thread

    async def save_thread(self, thread, context):
        CONVERSATIONS[thread.id] = {
            "id": thread.id,
            "user_id": self.user_id,
            "title": thread.title,
            "created_at": datetime.now(),
        }

    async def load_threads(self, limit, after, order, context):
        mine = [row for row in CONVERSATIONS.values() if row["user_id"] == self.user_id]
        data = [await self.load_thread(row["id"], context) for row in mine[::-1]]
        return Page(data=data[:limit], has_more=len(data) > limit)

    async def delete_thread(self, thread_id, context):
        del CONVERSATIONS[thread_id]

    async def add_thread_item(self, thread_id, item, context):
        MESSAGES[thread_id].append(item)

    async def save_item(self, thread_id, item, context):
        MESSAGES[thread_id] = [item if old.id == item.id else old for old in MESSAGES[thread_id]]

    async def load_thread_items(self, thread_id, after, limit, order, context):
        items = MESSAGES[thread_id]
        return Page(data=items[:limit], has_more=len(items) > limit)

    async def load_item(self, thread_id, item_id, context):
        return next(item for item in MESSAGES[thread_id] if item.id == item_id)

    async def delete_thread_item(self, thread_id, item_id, context):
        MESSAGES[thread_id] = [item for item in MESSAGES[thread_id] if item.id != item_id]

    async def save_attachment(self, attachment, context):
        pass

    async def load_attachment(self, attachment_id, context):
        return None

    async def delete_attachment(self, attachment_id, context):
        pass


class TodoChatKitServer(ChatKitServer[dict]):
    async def respond(self, thread, input_user_message, context):
        if input_user_message is None:
            return
        # Save the user's message to the conversation, then ask the agent.
        await self.store.add_thread_item(thread.id, input_user_message, context)
        page = await self.store.load_thread_items(thread.id, None, 20, "asc", context)
        history = [item.content[0].text for item in page.data if isinstance(item, UserMessageItem)]
        text = ""
        async for delta in complete(history):
            text += delta
            yield ThreadItemUpdatedEvent(
                item_id=self.store.generate_item_id("message", thread, context),
                update=AssistantMessageContentPartTextDelta(content_index=0, delta=delta),
            )
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text=text)],
        )
        yield ThreadItemAddedEvent(item=item)
        yield ThreadItemDoneEvent(item=item)


router = APIRouter(prefix="/api")


@router.post("/chatkit")
async def chatkit_endpoint(request: Request):
    body = await request.json()
    user_id = body.get("user", "test-user-chatkit")
    store = ConversationStore(user_id)
    server = TodoChatKitServer(store)
    context = {"user_id": user_id}

    # Route the request based on its type
    request_type = body.get("type")
    if request_type in ("threads.create", "threads.add_user_message"):
        thread = await store.create(context)
        return JSONResponse(json.loads(thread.model_dump_json()))
    if request_type == "threads.list":
        page = await store.load_threads(20, None, "desc", context)
        return JSONResponse({"data": [json.loads(one.model_dump_json()) for one in page.data]})
    if request_type == "messages.create":
        thread = await store.load_thread(body["thread_id"], context)
        message = UserMessageItem(
            id=f"msg_{uuid.uuid4().hex[:8]}",
            thread_id=thread.id,
            created_at=datetime.now(),
            content=body["content"],
            attachments=[],
            inference_options={},
        )
        answer = [
            event.model_dump_json() async for event in server.respond(thread, message, context)
        ]
        return JSONResponse({"status": "ok", "events": answer})
    return JSONResponse({"error": f"Unknown request type: {request_type}"})


app = FastAPI(title="Todo")
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:3000"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)
app.include_router(router)
