"""An agent that answers with a LangGraph graph: a model, and tools that it may call."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import openai
import structlog
from chatkit.errors import CustomStreamError
from chatkit.types import ThreadStreamEvent
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool
from langchain_openai import ChatOpenAI
from langgraph.errors import GraphRecursionError
from langgraph.types import StreamPart
from pydantic import Field, SecretStr

from app.base import ChatAgent, ChatStore, Turn
from app.conversations import earlier_conversations
from app.model.answer import Answer, BrokenOffError
from app.model.clock import ModelClock, ModelSilentError
from app.model.errors import explain, without_keys
from app.model.messages import to_messages
from app.model.tool_calls import ToolCalls
from app.titles import first_words
from app.tools import Toolbox, ToolSettings, open_toolbox

INSTRUCTIONS = "You are a helpful assistant. Answer in the language of the user's message."

TITLE_INSTRUCTIONS = (
    "Name a conversation that begins with the user's message. "
    "Answer with at most six words in the message's language, without quotes or a full stop."
)

MAX_STEPS = 50
"""Steps of the graph in one turn; asking the model and running its tools takes three."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class AgentSettings(ToolSettings):
    """Settings of the model."""

    openai_api_key: SecretStr
    openai_base_url: str = "https://api.openai.com/v1"
    """The address of the model's API; a gateway has another one."""
    chat_model: str = "gpt-5-mini"
    model_timeout: float = Field(default=60, gt=0)
    """How long the model may send nothing, in seconds: before its first event, and between two."""


class LangGraphAgent:
    """Answers with a model, which may call tools.

    Args:
        model: Any chat model of LangChain.
        tools: What the model may always call; see `langchain.tools.tool`.
        toolbox: What else it may call; this may depend on the user.
        settings: How long the model may be silent, and how long a tool may take.
    """

    def __init__(
        self,
        model: BaseChatModel,
        tools: Sequence[BaseTool],
        toolbox: Toolbox,
        settings: AgentSettings,
    ) -> None:
        self.model = model
        self._tools = tools
        self._toolbox = toolbox
        self._settings = settings

    async def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the answer; closing the stream ends all of the graph's work."""
        clock = ModelClock(self._settings.model_timeout)
        answer = Answer(turn)
        try:
            async with aclosing(await self._run(turn, clock)) as parts:
                while (part := await clock.next_of(parts)) is not None:
                    for event in _events(part, answer):
                        yield event
        except openai.APIError as error:
            raise explain(_of_client(error), turn.context.request_id) from None
        except (ModelSilentError, BrokenOffError, GraphRecursionError) as error:
            reason = without_keys(str(error))
            log.error("model failed", request_id=turn.context.request_id, reason=reason)
            raise CustomStreamError("The answer broke off.", allow_retry=True) from None

    async def title(self, text: str) -> str:
        """Ask the model for a title."""
        messages = [SystemMessage(TITLE_INSTRUCTIONS), HumanMessage(text[:2000])]
        return first_words(str((await self.model.ainvoke(messages)).text))

    async def _run(self, turn: Turn, clock: ModelClock) -> AsyncGenerator[StreamPart[Any, Any]]:
        """Run the graph on the thread's history; it keeps none of its own.

        Building it takes a few milliseconds, and its tools may be this user's.
        """
        graph = create_agent(
            self.model,
            [*self._tools, *await self._toolbox.tools(turn.context)],
            system_prompt=INSTRUCTIONS,
            middleware=[ToolCalls(turn, clock, self._settings.tool_timeout)],
            context_schema=Turn,
        )
        images = (self.model.profile or {}).get("image_inputs", True)
        messages = to_messages(turn.history, images=images)
        parts = graph.astream(
            {"messages": cast(list[AnyMessage | dict[str, Any]], messages)},
            {"recursion_limit": MAX_STEPS},
            context=turn,
            stream_mode=["messages", "custom"],
            version="v2",
        )
        return cast(AsyncGenerator[StreamPart[Any, Any]], parts)


@asynccontextmanager
async def open_agent(settings: AgentSettings, store: ChatStore) -> AsyncIterator[ChatAgent]:
    """Build the agent with one client for all requests, which is closed at the end."""
    async with open_toolbox(settings, store) as toolbox, open_model(settings) as model:
        yield LangGraphAgent(model, [earlier_conversations], toolbox, settings)


@asynccontextmanager
async def open_model(settings: AgentSettings) -> AsyncIterator[BaseChatModel]:
    """Prepare the model; LangChain would leave its connections open at the end."""
    async with openai.DefaultAsyncHttpxClient() as client:
        yield ChatOpenAI(
            model=settings.chat_model,
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            http_async_client=client,
            stream_chunk_timeout=None,  # `ModelClock` does more: it includes the first chunk.
        )


def _of_client(error: openai.APIError) -> openai.APIError:
    """Return the client's own error, which LangChain may wrap in one of the same kind."""
    return error.__cause__ if isinstance(error.__cause__, openai.APIError) else error


def _events(part: StreamPart[Any, Any], answer: Answer) -> Iterator[ThreadStreamEvent]:
    """Return what a part of the graph's stream means for the chat.

    Tools and nodes write ChatKit's events with their `stream_writer`. The models that tools ask
    do not speak to the user.
    """
    if part["type"] == "custom":
        yield part["data"]
    elif part["type"] == "messages":
        message, metadata = part["data"]
        if isinstance(message, AIMessage) and metadata["langgraph_node"] != "tools":
            yield from answer.events(message)
