"""A backend as in the SDK's quickstart: one process, one store, no users.

It sorts items by time, stores threads unchanged, catches no exception of `process`, uses the
default ids and headers, and passes the oldest 20 items to the model. The model is replaced by
one that needs no network.

Source: openai-chatkit docs/quickstart.md, "Run your ChatKit server" and "Generate model
responses" (2026).
"""

# ruff: noqa: ARG002, DTZ005 - the SDK's interface and its naive times

from collections.abc import AsyncIterator
from datetime import datetime

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from benchmarks.apps.quickstart import Context, QuickstartStore
from tests.conformance.servers.agent_faults import model_reply
from tests.conformance.servers.serving import App


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
