"""An agent that answers with an OpenAI model, through the Agents SDK."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, get_args

import anyio.lowlevel
import openai
import structlog
from agents import (
    Agent,
    Model,
    ModelBehaviorError,
    ModelResponse,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    RunResultStreaming,
    Tool,
    TResponseInputItem,
    set_trace_provider,
)
from agents.items import TResponseStreamEvent
from agents.tracing.provider import DefaultTraceProvider
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.types import (
    AssistantMessageItem,
    HiddenContextItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    UserMessageTagContent,
)
from openai.types.responses import (
    Response,
    ResponseInputContentParam,
    ResponseInputTextParam,
    ResponseStreamEvent,
    ResponseUsage,
)
from pydantic import Field, SecretStr

from app.base import ChatAgent, ChatStore, RequestContext, Turn
from app.titles import first_words
from app.tools import ToolSettings, open_toolbox
from app.warm_up import build_models

INSTRUCTIONS = "You are a helpful assistant. Answer in the language of the user's message."

TITLE_INSTRUCTIONS = (
    "Name a conversation that begins with the user's message. "
    "Answer with at most six words in the message's language, without quotes or a full stop."
)

MAX_REASON_LENGTH = 300
"""Characters of a provider's error message that are logged."""

_KEY = re.compile(r"\b(?:sk|pk|key|bearer)[-_ ][\w*.-]{4,}", re.IGNORECASE)

# Tracing would send every conversation to OpenAI's dashboard as well.
_RUN_CONFIG = RunConfig(tracing_disabled=True)

Tools = Callable[[RequestContext], Awaitable[Sequence[Tool]]]
"""Returns what the model may call in a turn."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class AgentSettings(ToolSettings):
    """Settings of the model."""

    openai_api_key: SecretStr
    openai_base_url: str = "https://api.openai.com/v1"
    """The address of the Responses API; a gateway has another one."""
    chat_model: str = "gpt-5-mini"
    model_timeout: float = Field(default=60, gt=0)
    """How long the model may send nothing, in seconds: before its first event, and between two."""


class OpenAIAgent:
    """Answers with a model, which may call tools.

    Args:
        model: The model, with the client it is reached through.
        tools: Returns what the model may call in a turn.
    """

    def __init__(self, model: Model, tools: Tools) -> None:
        self._tools = tools
        self._agent = Agent[AgentContext[RequestContext]](
            name="assistant", instructions=INSTRUCTIONS, model=model
        )
        self._namer = Agent[None](name="title", instructions=TITLE_INSTRUCTIONS, model=model)
        self._converter = ItemConverter()

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the model's answer; closing the stream ends the run behind it."""
        context = AgentContext[RequestContext](
            thread=turn.thread, store=turn.store, request_context=turn.context
        )
        history = await self._converter.to_agent_input(turn.history)
        agent = self._agent.clone(tools=list(await self._tools(turn.context)))
        result = Runner.run_streamed(agent, history, context=context, run_config=_RUN_CONFIG)
        try:
            async with aclosing(_own_ids(_events_of(result, context), turn)) as events:
                async for event in events:
                    yield event
        except openai.APIError as error:
            raise _explain(error, turn.context.request_id) from None
        except (ModelSilentError, ModelBehaviorError) as error:
            reason = _without_keys(str(error))
            log.error("model failed", request_id=turn.context.request_id, reason=reason)
            raise CustomStreamError("The answer broke off.", allow_retry=True) from None

    async def title(self, text: str) -> str:
        """Ask the model for a title."""
        result = await Runner.run(self._namer, text[:2000], run_config=_RUN_CONFIG, max_turns=1)
        return first_words(str(result.final_output))


class ModelSilentError(Exception):
    """The model has sent nothing for too long."""


class TimedModel(Model):
    """A model that may not be silent for more than *timeout* seconds.

    The time includes the client's attempts to reach the model again. It does not include tools,
    which run between two requests to the model.
    """

    def __init__(self, model: Model, timeout: float) -> None:
        self._model = model
        self._timeout = timeout

    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """Return the whole response at once."""
        async with self._limit():
            return await self._model.get_response(*args, **options)

    async def stream_response(
        self, *args: Any, **options: Any
    ) -> AsyncGenerator[TResponseStreamEvent]:
        """Stream the response; any event is a sign of life, those of reasoning too."""
        events = self._model.stream_response(*args, **options)
        while True:
            async with self._limit():
                event = await anext(events, None)
            if event is None:
                return
            yield event

    @asynccontextmanager
    async def _limit(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            seconds = f"{self._timeout:g} seconds (MODEL_TIMEOUT)"
            raise ModelSilentError(f"The model has sent nothing for {seconds}.") from None


class ItemConverter(ThreadItemConverter):
    """Converts items that the SDK's own converter rejects."""

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputContentParam:
        """Describe an @-mention with the data that the page attached to it."""
        text = f"{tag.text} is {json.dumps({'id': tag.id, 'group': tag.group, **tag.data})}"
        return ResponseInputTextParam(type="input_text", text=text)

    async def hidden_context_to_input(
        self, item: HiddenContextItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """Pass on hidden context of any type; what is not text becomes JSON."""
        content = item.content if isinstance(item.content, str) else json.dumps(item.content)
        return await super().hidden_context_to_input(item.model_copy(update={"content": content}))


@asynccontextmanager
async def open_agent(settings: AgentSettings, store: ChatStore) -> AsyncIterator[ChatAgent]:
    """Build the agent with one client for all requests, which is closed at the end."""
    logging.getLogger("openai.agents").addFilter(_is_news)
    # Nothing receives traces; the SDK's own provider would begin with a client for them.
    set_trace_provider(DefaultTraceProvider())
    key = settings.openai_api_key.get_secret_value()
    await _warm_up()
    async with (
        open_toolbox(settings, store) as toolbox,
        openai.AsyncOpenAI(api_key=key, base_url=settings.openai_base_url) as client,
    ):
        _ = client.responses  # Imported when it is first used, like the rest of the client.
        model = OpenAIResponsesModel(settings.chat_model, client)
        yield OpenAIAgent(TimedModel(model, settings.model_timeout), toolbox.tools)


async def _warm_up() -> None:
    """Do what the SDKs leave until the first turn; its deltas would wait for it."""
    events = get_args(get_args(ResponseStreamEvent)[0])
    build_models([Response, ResponseUsage, *events])
    # A response that is not streamed is read field by field, each with a schema of its own.
    message = {"type": "message", "content": [{"type": "output_text", "text": ""}]}
    response: dict[str, Any] = {**dict.fromkeys(Response.model_fields, ""), "output": [message]}
    Response.construct(**response)
    await anyio.lowlevel.checkpoint()  # Loads what the client needs on this event loop.


def _is_news(record: logging.LogRecord) -> bool:
    """Reject what the Agents SDK logs about a failed request: it does not know whose it was."""
    failures = ("Error streaming response", "Error getting response")
    return not record.getMessage().startswith(failures)


async def _events_of(
    result: RunResultStreaming, context: AgentContext[RequestContext]
) -> AsyncGenerator[ThreadStreamEvent]:
    """Stream a run's events; closing the stream ends the run (see `app/streaming.py`).

    Without `cancel`, a stopped run would continue in the background, with more requests and
    more tool calls. `stream_agent_response` is shielded from the cancellation, which would leave
    its inner tasks running; after `cancel` it finishes on its own. If the run fails, a task of it
    still waits for an event from a tool: the last event is for that task.
    """
    events = stream_agent_response(context, result)
    reading = asyncio.ensure_future(anext(events, None))
    try:
        while (event := await asyncio.shield(reading)) is not None:
            yield event
            reading = asyncio.ensure_future(anext(events, None))
    finally:
        result.cancel()
        with suppress(Exception):  # One that ended the run has been raised above.
            while await reading is not None:
                reading = asyncio.ensure_future(anext(events, None))
        await context.stream(ProgressUpdateEvent(text=""))


async def _own_ids(
    events: AsyncGenerator[ThreadStreamEvent], turn: Turn
) -> AsyncGenerator[ThreadStreamEvent]:
    """Replace the id of every assistant message.

    The ids of a model cannot be trusted: gateways repeat them, and two messages with the same
    id would overwrite each other.

    Raises:
        CustomStreamError: The model stopped in the middle of a message.
    """
    ids: dict[str, str] = {}
    async with aclosing(events):
        async for event in events:
            match event:
                case ThreadItemAddedEvent(item=AssistantMessageItem(id=item_id)):
                    ids[item_id] = turn.store.generate_item_id("message", turn.thread, turn.context)
            yield _renamed(event, ids)
    if ids:
        raise CustomStreamError("The answer broke off.", allow_retry=True)


def _renamed(event: ThreadStreamEvent, ids: dict[str, str]) -> ThreadStreamEvent:
    """Return the event with the item's new id; an item that is finished leaves *ids*."""
    match event:
        case ThreadItemAddedEvent(item=AssistantMessageItem(id=item_id)):
            return ThreadItemAddedEvent(item=event.item.model_copy(update={"id": ids[item_id]}))
        case ThreadItemUpdatedEvent(item_id=item_id) if item_id in ids:
            return event.model_copy(update={"item_id": ids[item_id]})
        case ThreadItemRemovedEvent(item_id=item_id) if item_id in ids:
            return ThreadItemRemovedEvent(item_id=ids.pop(item_id))
        case ThreadItemDoneEvent(item=AssistantMessageItem(id=item_id)) if item_id in ids:
            return ThreadItemDoneEvent(item=event.item.model_copy(update={"id": ids.pop(item_id)}))
        case _:
            return event


def _explain(error: openai.APIError, request_id: str) -> CustomStreamError:
    """Log the provider's error; return one for the user that says whether to retry."""
    status = getattr(error, "status_code", None)
    log.error(
        "model failed",
        request_id=request_id,
        error=type(error).__name__,
        status=status,
        code=error.code,
        reason=_reason(error),
    )
    if status is None or status == 429 or status >= 500:
        return CustomStreamError("The assistant cannot be reached at the moment.", allow_retry=True)
    return CustomStreamError("The assistant cannot answer this request.", allow_retry=False)


def _reason(error: openai.APIError) -> str:
    """Return the provider's own sentence, or why there is no answer, without any key in it."""
    body = error.body if isinstance(error.body, dict) else {}
    text = " ".join(str(body.get("message") or error.__cause__ or error.message).split())
    key = error.request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key:
        text = text.replace(key, "[key]")
    return _without_keys(text)


def _without_keys(text: str) -> str:
    """Return a provider's text for the log.

    It may repeat a key in part, or another one that a gateway has put in its place.
    """
    return _KEY.sub("[key]", text)[:MAX_REASON_LENGTH]
