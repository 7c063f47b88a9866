"""The ChatKit server: parses requests and runs turns."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from weakref import WeakValueDictionary

import structlog
from chatkit.errors import ErrorCode
from chatkit.server import ChatKitServer, NonStreamingResult, StreamingResult
from chatkit.types import (
    ChatKitReq,
    ErrorEvent,
    FeedbackKind,
    StreamingReq,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadMetadata,
    ThreadsCreateReq,
    ThreadStreamEvent,
    UserMessageItem,
    is_streaming_req,
)
from pydantic import TypeAdapter, ValidationError

from app.base import ChatAgent, ChatStore, RequestContext, Turn
from app.errors import ApiError
from app.titles import Titling

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ChatServer(ChatKitServer[RequestContext]):
    """Answers ChatKit requests with one agent and one store.

    Args:
        store: Keeps threads and items.
        agent: Answers messages.
        history_items: How many of a thread's newest items the agent gets.
    """

    store: ChatStore

    def __init__(self, store: ChatStore, agent: ChatAgent, history_items: int) -> None:
        super().__init__(store)
        self._agent = agent
        self._history_items = history_items
        # The SDK builds this adapter for every request, which takes longer than the rest of a turn.
        self._requests: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def parse(self, body: bytes) -> ChatKitReq:
        """Read a request.

        Raises:
            ApiError: 400, the body is not one of ChatKit's requests.
        """
        try:
            return self._requests.validate_json(body)
        except ValidationError as error:
            raise ApiError(400, "invalid_request", _first_problem(error)) from None

    async def answer(
        self, request: ChatKitReq, context: RequestContext
    ) -> StreamingResult | NonStreamingResult:
        """Answer a parsed request; `process` of the SDK would parse it again."""
        if not is_streaming_req(request):
            return NonStreamingResult(await self._process_non_streaming(request, context))
        return StreamingResult(self._process_streaming(request, context))

    async def _process_streaming_impl(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Run a thread's turns one after another, so that each sees the previous answer.

        This orders the turns of one process. Turns in different processes can overlap: both
        are stored, and both are answered.
        """
        async with AsyncExitStack() as stack:
            if not isinstance(request, ThreadsCreateReq):
                await stack.enter_async_context(self._lock(request.params.thread_id))
            begun = False
            try:
                async for event in super()._process_streaming_impl(request, context):
                    if isinstance(event, ThreadCreatedEvent):
                        # No other request can know the new id before this event is sent.
                        await stack.enter_async_context(self._lock(event.thread.id))
                    begun = True
                    yield event
            except Exception as error:
                # Before the first event, the response can still have its own status.
                if not begun:
                    raise
                log.error("turn failed", request_id=context.request_id, exc_info=error)
                yield ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True)

    def _lock(self, thread_id: str) -> asyncio.Lock:
        return self._locks.setdefault(thread_id, asyncio.Lock())

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Stream the agent's answer, and set the title of a new thread."""
        history = await self._history(thread.id, input_user_message, context)
        turn = Turn(thread, input_user_message, history, self.store, context)
        async with (
            Titling(turn, self._agent) as titling,
            aclosing(self._agent.respond(turn)) as events,
        ):
            async for event in events:
                yield event
                await titling.apply_if_ready()
            await titling.apply()

    async def _history(
        self, thread_id: str, message: UserMessageItem | None, context: RequestContext
    ) -> Sequence[ThreadItem]:
        """Load the newest items up to *message*, oldest first."""
        page = await self.store.load_thread_items(
            thread_id, None, self._history_items, "desc", context
        )
        items = page.data[::-1]
        # A message that arrived since then has its own turn.
        ids = [item.id for item in items]
        if message is not None and message.id in ids:
            return items[: ids.index(message.id) + 1]
        return items

    async def add_feedback(
        self,
        thread_id: str,
        item_ids: list[str],
        feedback: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Store the user's feedback on the items."""
        await self.store.save_feedback(thread_id, item_ids, feedback, context)


def _first_problem(error: ValidationError) -> str:
    """Describe the first invalid field, without repeating its value."""
    detail = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]
