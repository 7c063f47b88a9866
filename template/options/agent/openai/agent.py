"""The model: one of OpenAI's, through the Responses API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
from agents import Model, OpenAIResponsesModel
from pydantic import Field, SecretStr

from app.base import ChatAgent, ChatStore
from app.features import load_features
from app.model.agent import ModelAgent
from app.model.silence import TimedModel
from app.model.start import prepare
from app.tools import ToolSettings, open_toolbox


class AgentSettings(ToolSettings):
    """Settings of the model."""

    openai_api_key: SecretStr
    openai_base_url: str = "https://api.openai.com/v1"
    """The address of the Responses API; a gateway has another one."""
    chat_model: str = "gpt-5-mini"
    model_timeout: float = Field(default=60, gt=0)
    """How long the model may send nothing, in seconds: before its first event, and between two."""


@asynccontextmanager
async def open_agent(settings: AgentSettings, store: ChatStore) -> AsyncIterator[ChatAgent]:
    """Build the agent with one client for all requests, which is closed at the end."""
    key = settings.openai_api_key.get_secret_value()
    await prepare()
    async with (
        open_toolbox(settings, store) as toolbox,
        openai.AsyncOpenAI(api_key=key, base_url=settings.openai_base_url) as client,
    ):
        _ = client.responses  # Imported when it is first used, like the rest of the client.
        yield ModelAgent(create_model(settings, client), toolbox.tools, load_features())


def create_model(settings: AgentSettings, client: openai.AsyncOpenAI) -> Model:
    """Return the model, which is reached through *client*."""
    return TimedModel(OpenAIResponsesModel(settings.chat_model, client), settings.model_timeout)
