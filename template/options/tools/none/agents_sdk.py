"""The tools that the model may call: the agent's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from agents import FunctionTool, Tool
from pydantic import Field

from app.base import ChatStore, RequestContext
from app.common_settings import CommonSettings
from app.features import load_features


class ToolSettings(CommonSettings):
    """Settings of the tools."""

    tool_timeout: float = Field(default=30, gt=0)
    """How long a tool may take, in seconds."""


class Toolbox:
    """Hands out the same tools to everyone.

    Args:
        tools: Functions the model may call; see `agents.function_tool`.
        timeout: How long each may take, in seconds.
    """

    def __init__(self, tools: Sequence[FunctionTool], timeout: float) -> None:
        self._tools = [replace(tool, timeout_seconds=timeout) for tool in tools]

    async def tools(self, context: RequestContext) -> Sequence[Tool]:
        """Return the tools of a turn."""
        return self._tools


@asynccontextmanager
async def open_toolbox(settings: ToolSettings, store: ChatStore) -> AsyncIterator[Toolbox]:
    """Collect the tools of the features; there is nothing to close."""
    yield Toolbox(load_features().all_tools, settings.tool_timeout)
