"""Backends that raise an error, each by a mistake that people make with the SDK.

All have the store of the SDK's quickstart, with one method of another shape, or the route of the
quickstart with another last line.
"""

# ruff: noqa: ARG002, D101, D102 - mistakes have the shape of the mistake
# mypy: ignore-errors

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatkit.server import NonStreamingResult, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import Page
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from benchmarks.apps.quickstart import QuickstartStore
from tests.conformance.servers.quickstart import QuickstartServer
from tests.conformance.servers.serving import App

Result = StreamingResult | NonStreamingResult


def _respond(result: Result) -> Response:
    """Respond as the quickstart does."""
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(content=result.json, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A backend that raises an error.

    Attributes:
        operation: The operation that fails because of it.
        named: Words of the fix that name the mistake.
        store: Its store.
        respond: Turns the SDK's result into a response.
        server: Its server.
    """

    operation: str
    named: str
    store: type[QuickstartStore] = QuickstartStore
    respond: Callable[[Any], Response] = _respond
    server: type[QuickstartServer] = QuickstartServer

    def build(self) -> App:
        """Return the application."""
        app = FastAPI()
        server = self.server(store=self.store())

        @app.post("/chatkit")
        async def chatkit(request: Request) -> Response:
            return self.respond(await server.process(await request.body(), context={}))

        return app


class NoOrder(QuickstartStore):
    async def load_threads(self, limit, after, context):
        return await super().load_threads(limit, after, "desc", context)


class NoContext(QuickstartStore):
    async def load_threads(self, limit, after, order):
        return await super().load_threads(limit, after, order, None)


class ListOfThreads(QuickstartStore):
    async def load_threads(self, limit, after, order, context):
        return list(self.threads.values())


class RawThreads(QuickstartStore):
    async def save_thread(self, thread, context):
        self.threads[thread.id] = thread.model_dump()

    async def load_thread(self, thread_id, context):
        return self.threads[thread_id]

    async def load_threads(self, limit, after, order, context):
        return Page(data=list(self.threads.values()))


def _unawaited(value: str) -> Coroutine[Any, Any, str]:
    """Return the coroutine of an `async` method that nobody awaits, without Python's warning."""

    async def method() -> str:
        return value

    coroutine = method()
    coroutine.close()
    return coroutine


class AsyncThreadIds(QuickstartStore):
    def generate_thread_id(self, context):
        return _unawaited(super().generate_thread_id(context))


class AsyncItemIds(QuickstartStore):
    def generate_item_id(self, item_type, thread, context):
        return _unawaited(super().generate_item_id(item_type, thread, context))


class SyncSave(QuickstartStore):
    def save_thread(self, thread, context):
        self.threads[thread.id] = thread


class JsonItems(QuickstartStore):
    async def add_thread_item(self, thread_id, item, context):
        json.dumps(item.model_dump())
        await super().add_thread_item(thread_id, item, context)


class NoContextForItems(QuickstartStore):
    async def add_thread_item(self, thread_id, item):
        await super().add_thread_item(thread_id, item, None)


class NoneForNew(QuickstartStore):
    async def load_thread(self, thread_id, context):
        return None


class NotFoundForNew(QuickstartStore):
    async def load_thread(self, thread_id, context):
        raise NotFoundError(f"Thread {thread_id} not found")


class InsertOnly(QuickstartStore):
    async def save_thread(self, thread, context):
        if thread.id in self.threads:
            raise ValueError("UNIQUE constraint failed: threads.id")
        await super().save_thread(thread, context)


class ItemsWithoutOrder(QuickstartStore):
    async def load_thread_items(self, thread_id, after, limit, context):
        return await super().load_thread_items(thread_id, after, limit, "asc", context)


class ListOfItems(QuickstartStore):
    async def load_thread_items(self, thread_id, after, limit, order, context):
        page = await super().load_thread_items(thread_id, after, limit, order, context)
        return page.data


class MixedTimes(QuickstartStore):
    async def load_thread_items(self, thread_id, after, limit, order, context):
        items = self.items[thread_id]
        page = await super().load_thread_items(thread_id, after, limit, order, context)
        if any(item.created_at < datetime.now(UTC) for item in items):
            return page
        return Page()


class NotDeleted(QuickstartStore):
    async def delete_thread(self, thread_id, context):
        raise NotImplementedError


class ItemNotDeleted(QuickstartStore):
    async def delete_thread_item(self, thread_id, item_id, context):
        raise NotImplementedError


class Titled(QuickstartServer):
    """Sets a title; the SDK then saves a Thread with its `items`."""

    async def respond(self, thread, input_user_message, context):
        thread.title = "Hello"
        async for event in super().respond(thread, input_user_message, context):
            yield event


def _dumped(result: Result) -> Response:
    if isinstance(result, StreamingResult):
        return _respond(result)
    return Response(json.dumps(result), media_type="application/json")


def _always_json(result: Result) -> Response:
    return Response(result.json, media_type="application/json")


def _called(result: Result) -> Response:
    if isinstance(result, StreamingResult):
        return _respond(result)
    return Response(result.json(), media_type="application/json")


def _always_stream(result: Result) -> Response:
    return StreamingResponse(result, media_type="text/event-stream")


MISTAKES: dict[str, Mistake] = {
    "load_threads without order": Mistake("threads.list", "`order`", NoOrder),
    "load_threads without context": Mistake("threads.list", "`context`", NoContext),
    "load_threads returns a list": Mistake(
        "threads.list", "list instead of a `Page`", ListOfThreads
    ),
    "threads as dictionaries": Mistake("threads.list", "dictionaries", RawThreads),
    "json.dumps of a result": Mistake("threads.list", "`json.dumps(result)`", respond=_dumped),
    "json called": Mistake("threads.list", "`result.json()`", respond=_called),
    "every result as a stream": Mistake(
        "threads.list", "every result as a stream", respond=_always_stream
    ),
    "every result as JSON": Mistake("threads.create", "`result.json`", respond=_always_json),
    "async thread ids": Mistake("threads.create", "`generate_thread_id`", AsyncThreadIds),
    "async item ids": Mistake("threads.create", "`generate_item_id`", AsyncItemIds),
    "save_thread not async": Mistake("threads.create", "`async`", SyncSave),
    "add_thread_item without context": Mistake("threads.create", "`context`", NoContextForItems),
    "datetimes to json.dumps": Mistake("threads.create", 'model_dump(mode="json")', JsonItems),
    "None for a thread": Mistake(
        "threads.get_by_id", "`Store.load_thread` returns None", NoneForNew
    ),
    "a thread not found": Mistake(
        "threads.get_by_id", "one store, outside the request", NotFoundForNew
    ),
    "insert without update": Mistake("threads.update", "can only insert", InsertOnly),
    "load_thread_items without order": Mistake("threads.get_by_id", "`order`", ItemsWithoutOrder),
    "load_thread_items returns a list": Mistake(
        "threads.get_by_id", "list instead of a `Page`", ListOfItems
    ),
    "naive and aware times": Mistake("threads.get_by_id", "time zone", MixedTimes),
    "a Thread stored as metadata": Mistake("threads.get_by_id", "ThreadMetadata", server=Titled),
    "delete_thread raises": Mistake("threads.delete", "`Store.delete_thread`", NotDeleted),
    "delete_thread_item raises": Mistake(
        "threads.retry_after_item", "`Store.delete_thread_item`", ItemNotDeleted
    ),
}
