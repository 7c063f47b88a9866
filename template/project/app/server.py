"""The ChatKit server: parses requests and runs turns."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

import structlog
from chatkit.actions import Action
from chatkit.errors import BaseStreamError, CustomStreamError, ErrorCode
from chatkit.server import (
    ChatKitServer,
    NonStreamingResult,
    StreamingResult,
    agents_sdk_user_agent_override,
)
from chatkit.store import NotFoundError
from chatkit.types import (
    ChatKitReq,
    ErrorEvent,
    FeedbackKind,
    StreamingReq,
    StreamOptionsEvent,
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadStreamEvent,
    ThreadsUpdateReq,
    ThreadUpdatedEvent,
    UserMessageItem,
    WidgetItem,
    is_streaming_req,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from app.actions import WidgetAgent, carry_out
from app.base import ChatAgent, ChatStore, RequestContext, Turn
from app.errors import ApiError, error_event, first_problem, with_message
from app.history import load_history
from app.recording import Recording, is_hidden
from app.text import TextRepair
from app.times import with_offsets
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
            raise ApiError(400, "invalid_request", first_problem(error)) from None

    async def answer(
        self, request: ChatKitReq, context: RequestContext
    ) -> StreamingResult | NonStreamingResult:
        """Answer a parsed request; `process` of the SDK would parse it again."""
        if is_streaming_req(request):
            return StreamingResult(self._process_streaming(request, context))
        if isinstance(request, ThreadsUpdateReq):
            params = request.params
            thread = await self.store.rename_thread(params.thread_id, params.title, context)
            return NonStreamingResult(self._serialize(self._to_thread_response(thread)))
        async with AsyncExitStack() as stack:
            if isinstance(request, ThreadsSyncCustomActionReq) and request.params.item_id:
                # Not the thread's turns: a box can be ticked while an answer streams.
                await self._enter(request.params.item_id, stack)
            return NonStreamingResult(await self._process_non_streaming(request, context))

    async def _process_streaming(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncGenerator[bytes]:
        """Encode the events; the SDK would also log errors, without the request's id."""
        async for event in self._process_streaming_impl(request, context):
            yield b"data: %b\n\n" % self._serialize(with_message(event))

    async def _process_streaming_impl(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Run a thread's turns one after another, so that each sees the previous answer."""
        async with AsyncExitStack() as stack:
            if not isinstance(request, ThreadsCreateReq):
                await self._enter(request.params.thread_id, stack)
            if isinstance(request, ThreadsCustomActionReq) and request.params.item_id:
                await self._enter(request.params.item_id, stack)
            begun = False
            try:
                async for event in self._turn_events(request, context):
                    if event.type == "thread.created":
                        # No other request can know the new id before this event is sent.
                        await self._enter(event.thread.id, stack)
                    begun = True
                    yield event
            except NotFoundError:
                if not begun:
                    raise
                log.info("thread deleted during a turn", request_id=context.request_id)
                yield ErrorEvent(
                    code="custom", message="This conversation was deleted.", allow_retry=False
                )
            except Exception as error:
                # Before the first event, the response can still have its own status.
                if not begun:
                    raise
                log.error("turn failed", request_id=context.request_id, exc_info=error)
                yield ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True)

    def _serialize(self, obj: BaseModel) -> bytes:
        """Return the same bytes as the SDK's method, in less time, and times with an offset."""
        return to_json(
            with_offsets(obj),
            by_alias=True,
            exclude_none=True,
            inf_nan_mode="null",
            context={"exclude_metadata": True},
        )

    async def _enter(self, item_or_thread_id: str, stack: AsyncExitStack) -> None:
        """Wait for the thread's other turns or the widget's, first those of this process."""
        lock = self._locks.setdefault(item_or_thread_id, asyncio.Lock())
        await stack.enter_async_context(lock)
        await stack.enter_async_context(self.store.turn_lock(item_or_thread_id))

    def _turn_events(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        if isinstance(request, ThreadsRetryAfterItemReq):
            return self._retry(request.params.thread_id, request.params.item_id, context)
        return super()._process_streaming_impl(request, context)

    async def _retry(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Answer a message again.

        The SDK deletes what follows the message first, and has nothing left if the answer fails.
        """
        thread = await self.store.load_thread(thread_id, context)
        message = await self.store.load_item(thread_id, item_id, context)
        if not isinstance(message, UserMessageItem):
            raise ApiError(400, "not_a_user_message", "Only a user message can be retried.")
        newer = []
        async for item in self._paginate_thread_items_reverse(thread_id, context):
            if item.id == item_id:
                break
            newer.append(item.id)
        before = newer[-1] if newer else None
        async for event in self._process_events(
            thread, context, lambda: self._answer(thread, message, context, before), newer
        ):
            yield event

    async def _process_events(
        self,
        thread: ThreadMetadata,
        context: RequestContext,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
        replaces: Sequence[str] = (),
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Store and forward the events of *stream*, as the SDK does, but lose less.

        - What the user has seen of an answer that fails is stored, as it is for one that is
          stopped.
        - A text that cannot be encoded is repaired first.
        - The items of *replaces* are deleted as soon as there is something in their place.

        `tests/test_events.py` compares the events of both.
        """
        yield StreamOptionsEvent(stream_options=self.get_stream_options(thread, context))
        repair = TextRepair()
        recording = Recording(self.store, thread, context, self._update_pending_items, replaces)
        try:
            with agents_sdk_user_agent_override():
                async for received in stream():
                    event = repair(received)
                    await recording.record(event)
                    if event.type != "thread.item.done" or not is_hidden(event.item):
                        yield event
                    if recording.thread_has_changed():
                        await recording.save_thread()
                        yield ThreadUpdatedEvent(thread=self._to_thread_response(thread))
            await recording.remove_replaced()
        except asyncio.CancelledError:
            await recording.keep_stopped(
                lambda pending: self.handle_stream_cancelled(thread, pending, context)
            )
            raise
        except Exception as error:
            for event in await self._break_off(recording, error, context):
                yield event
        if recording.thread_has_changed():
            await recording.save_thread()
            yield ThreadUpdatedEvent(thread=self._to_thread_response(thread))

    async def _break_off(
        self, recording: Recording, error: Exception, context: RequestContext
    ) -> list[ThreadStreamEvent]:
        """Store what the user has seen; return the events that end the answer.

        Raises:
            NotFoundError: The thread has been deleted meanwhile.
        """
        if isinstance(error, NotFoundError):
            await self.store.load_thread(recording.thread_id, context)
        if not isinstance(error, BaseStreamError):
            log.error("turn failed", request_id=context.request_id, exc_info=error)
        kept = await recording.keep_broken_off()
        return [*(ThreadItemDoneEvent(item=item) for item in kept), error_event(error)]

    def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Stream the agent's answer, and set the title of a new thread."""
        return self._answer(thread, input_user_message, context)

    async def _answer(
        self,
        thread: ThreadMetadata,
        message: UserMessageItem | None,
        context: RequestContext,
        before: str | None = None,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Stream the answer to *message*, with the items older than *before* as its history."""
        turn = Turn(thread, message, [], self.store, context)
        turn = replace(turn, history=await load_history(turn, self._history_items, before))
        async with (
            Titling(turn, self._agent) as titling,
            aclosing(self._agent.respond(turn)) as events,
        ):
            async for event in events:
                yield event
                titling.apply_if_found()
            await titling.apply()

    @property
    def offers_actions(self) -> bool:
        """Whether the agent's widgets have actions."""
        return isinstance(self._agent, WidgetAgent)

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Carry out what the user did in a widget, and let the agent answer."""
        try:
            turn = Turn(thread, None, [], self.store, context)
            done, outcome = await carry_out(self._agent, turn, action, sender)
        except ApiError as error:
            raise CustomStreamError(error.message, allow_retry=False) from None
        for event in outcome.events(done):
            yield event
        async for event in self.respond(thread, None, context):
            yield event

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> SyncCustomActionResponse:
        """Carry out what the user did in a widget, and return only the widget."""
        turn = Turn(thread, None, [], self.store, context)
        done, outcome = await carry_out(self._agent, turn, action, sender)
        await outcome.save(done)
        return SyncCustomActionResponse(updated_item=outcome.widget)

    async def add_feedback(
        self,
        thread_id: str,
        item_ids: list[str],
        feedback: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Store the user's feedback on the items."""
        await self.store.save_feedback(thread_id, item_ids, feedback, context)
