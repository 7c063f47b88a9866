"""Backends without the SDK, which route every operation by hand."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.conformance.servers.serving import PATH, App


def json_only() -> App:
    """A backend that never streams.

    It takes the user from the body, returns a row as JSON for threads.create, and expects
    messages in messages.create, which no client sends.
    """
    conversations: dict[str, list[dict[str, Any]]] = {}
    numbers = itertools.count(71)

    async def endpoint(request: Request) -> Response:
        body = await request.json()
        mine = conversations.setdefault(body.get("user", "test-user-chatkit"), [])
        if body.get("type") == "threads.create":
            mine.append({"id": str(next(numbers)), "created_at": "2026-01-03T23:20:00"})
            return JSONResponse(mine[-1])
        if body.get("type") == "threads.list":
            return JSONResponse({"data": mine[::-1], "has_more": False})
        if body.get("type") == "messages.create":
            return JSONResponse({"status": "ok"})
        return JSONResponse({"error": f"Unknown request type: {body.get('type')}"}, 400)

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])


def completion_chunks() -> App:
    """A backend that streams the Chat Completions chunks of its model's API."""

    async def chunks() -> AsyncIterator[str]:
        for word in ("Hello ", "there"):
            yield f"data: {json.dumps({'choices': [{'delta': {'content': word}}]})}\n\n"

    async def endpoint(request: Request) -> Response:
        body = await request.json()
        if body.get("type") == "threads.list":
            return JSONResponse({"data": [], "has_more": False})
        return StreamingResponse(chunks(), media_type="text/event-stream")

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])


def json_lines() -> App:
    """A backend that streams JSON lines and, among them, a Python literal."""

    async def lines() -> AsyncIterator[str]:
        yield '{"type": "thread.created", "thread": {"id": "t1"}}\n'
        yield "{'type': 'progress_update', 'text': None}\n"

    async def endpoint(request: Request) -> Response:
        body = await request.json()
        if body.get("type") == "threads.list":
            return JSONResponse({"data": [], "has_more": False})
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])
