"""An agent that answers with a model, and may call tools."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import openai
import structlog
from agents import (
    Agent,
    MaxTurnsExceeded,
    Model,
    ModelBehaviorError,
    RunConfig,
    Runner,
    RunResultStreaming,
    StopAtTools,
    Tool,
)
from chatkit.errors import CustomStreamError
from chatkit.types import ThreadStreamEvent

from app.actions import ActionOutcome, WidgetAction
from app.base import RequestContext, Turn
from app.errors import ApiError
from app.features import Feature
from app.model.context import ShownTools, TurnContext
from app.model.errors import explain, without_keys
from app.model.events import events_of, own_ids
from app.model.items import ItemConverter
from app.model.silence import ModelSilentError
from app.titles import first_words
from app.tool_progress import ToolProgress

INSTRUCTIONS = "You are a helpful assistant. Answer in the language of the user's message."

TITLE_INSTRUCTIONS = (
    "Name a conversation that begins with the user's message. "
    "Answer with at most six words in the message's language, without quotes or a full stop."
)

# Tracing would send every conversation to OpenAI's dashboard as well.
_RUN_CONFIG = RunConfig(tracing_disabled=True)

Tools = Callable[[RequestContext], Awaitable[Sequence[Tool]]]
"""Returns what the model may call in a turn."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ModelAgent:
    """Answers with a model, which may call tools.

    Args:
        model: The model, with the client it is reached through.
        tools: Returns what the model may call in a turn.
        features: Which of it shows something itself or ends the turn, and the actions of widgets.
    """

    def __init__(self, model: Model, tools: Tools, features: Feature) -> None:
        self._tools = tools
        self._features = features
        questions = [tool.name for tool in features.questions]
        widgets = [tool.name for tool in features.widgets]
        self._agent = Agent[TurnContext](
            name="assistant",
            instructions=INSTRUCTIONS,
            model=model,
            tool_use_behavior=StopAtTools(stop_at_tool_names=questions),
        )
        self._hooks = ShownTools(hidden=[*questions, *widgets])
        self._namer = Agent[None](name="title", instructions=TITLE_INSTRUCTIONS, model=model)
        self._converter = ItemConverter()

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the model's answer; closing the stream ends the run behind it."""
        context = TurnContext(
            thread=turn.thread,
            store=turn.store,
            request_context=turn.context,
            progress=ToolProgress(turn),
        )
        result = await self._run(turn, context)
        try:
            async with aclosing(own_ids(events_of(result, context), turn)) as events:
                async for event in events:
                    yield event
        except openai.APIError as error:
            raise explain(error, turn.context.request_id) from None
        except (ModelSilentError, ModelBehaviorError, MaxTurnsExceeded) as error:
            reason = without_keys(str(error))
            log.error("model failed", request_id=turn.context.request_id, reason=reason)
            raise CustomStreamError("The answer broke off.", allow_retry=True) from None

    async def title(self, text: str) -> str:
        """Ask the model for a title."""
        result = await Runner.run(self._namer, text[:2000], run_config=_RUN_CONFIG, max_turns=1)
        return first_words(str(result.final_output))

    async def act(self, action: WidgetAction) -> ActionOutcome:
        """Carry out an action of one of the features."""
        handler = self._features.actions.get(action.kind)
        if handler is None:
            raise ApiError(400, "unknown_action", "This button does not work here.")
        return await handler(action)

    async def _run(self, turn: Turn, context: TurnContext) -> RunResultStreaming:
        history = await self._converter.to_agent_input(turn.history)
        tools = await self._tools(turn.context)
        return Runner.run_streamed(
            self._agent.clone(tools=list(tools)),
            history,
            context=context,
            hooks=self._hooks,
            run_config=_RUN_CONFIG,
        )
