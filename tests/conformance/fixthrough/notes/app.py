"""Notes assistant: a ChatKit backend that keeps its conversations in SQLite."""

# ruff: noqa
# mypy: ignore-errors

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from agents.models.fake_id import FAKE_RESPONSES_ID
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    Thread,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response, StreamingResponse
from pydantic import TypeAdapter

from tests.conformance.fixthrough.model import complete

DATABASE = Path(__file__).with_name("notes.db")
ITEM = TypeAdapter(ThreadItem)

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (id TEXT PRIMARY KEY, user_id TEXT, title TEXT, created_at TEXT);
CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, thread_id TEXT, payload TEXT);
"""


def run(sql: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(DATABASE)) as connection, connection:
        return connection.execute(sql, values).fetchall()


class SQLiteStore(Store[dict]):
    def __init__(self):
        with closing(sqlite3.connect(DATABASE)) as connection:
            connection.executescript(SCHEMA)

    async def load_thread(self, thread_id, context):
        rows = run("SELECT id, title, created_at FROM threads WHERE id = ?", thread_id)
        return self.to_thread(rows[0]) if rows else None

    async def save_thread(self, thread, context):
        run(
            "INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?)",
            thread.id,
            context["user_id"],
            thread.title,
            thread.created_at.isoformat(),
        )

    async def load_threads(self, limit, after, order, context):
        rows = run(
            "SELECT id, title, created_at FROM threads WHERE user_id = ? LIMIT ?",
            context["user_id"],
            limit,
        )
        return Page(data=[self.to_thread(row) for row in rows])

    async def delete_thread(self, thread_id, context):
        run("DELETE FROM threads WHERE id = ?", thread_id)

    async def add_thread_item(self, thread_id, item, context):
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id, item, context):
        payload = item.model_dump_json()
        run("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", item.id, thread_id, payload)

    async def load_thread_items(self, thread_id, after, limit, order, context):
        rows = run("SELECT payload FROM items WHERE thread_id = ? LIMIT ?", thread_id, limit)
        return Page(data=[ITEM.validate_json(payload) for (payload,) in rows])

    async def load_item(self, thread_id, item_id, context):
        rows = run("SELECT payload FROM items WHERE id = ?", item_id)
        return ITEM.validate_json(rows[0][0]) if rows else None

    async def delete_thread_item(self, thread_id, item_id, context):
        run("DELETE FROM items WHERE id = ?", item_id)

    async def save_attachment(self, attachment, context):
        raise NotImplementedError

    async def load_attachment(self, attachment_id, context):
        raise NotImplementedError

    async def delete_attachment(self, attachment_id, context):
        raise NotImplementedError

    def to_thread(self, row):
        thread_id, title, created_at = row
        return Thread(
            id=thread_id,
            title=title,
            created_at=datetime.fromisoformat(created_at),
            items=Page(),
        )


class NotesServer(ChatKitServer[dict]):
    async def respond(self, thread, input_user_message, context):
        page = await self.store.load_thread_items(thread.id, None, 50, "asc", context)
        history = [item.content[0].text for item in page.data if isinstance(item, UserMessageItem)]
        # The model is one of the Chat Completions API, through the Agents SDK's adapter.
        item = AssistantMessageItem(
            id=FAKE_RESPONSES_ID, thread_id=thread.id, created_at=datetime.now(), content=[]
        )
        yield ThreadItemAddedEvent(item=item)
        yield update(
            item, AssistantMessageContentPartAdded, content=AssistantMessageContent(text="")
        )
        text = ""
        async for delta in complete(history):
            text += delta
            yield update(item, AssistantMessageContentPartTextDelta, delta=delta)
        content = AssistantMessageContent(text=text)
        yield update(item, AssistantMessageContentPartDone, content=content)
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))
        if not thread.title:
            thread.title = history[0][:40]


def update(item, part, **values):
    return ThreadItemUpdatedEvent(item_id=item.id, update=part(content_index=0, **values))


app = FastAPI(title="Notes")
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:3000"],
    allow_methods=["*"],
    allow_headers=["*"],
)
server = NotesServer(SQLiteStore())


@app.post("/chatkit")
async def chatkit(request: Request):
    body = await request.body()
    user_id = json.loads(body).get("user", "demo-user")
    result = await server.process(body, {"user_id": user_id})
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
