"""The tools that the model may call besides the agent's own: so far, none."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from langchain_core.tools import BaseTool
from pydantic import Field

from app.base import ChatStore, RequestContext
from app.common_settings import CommonSettings


class ToolSettings(CommonSettings):
    """Settings of the tools."""

    tool_timeout: float = Field(default=30, gt=0)
    """How long a tool may take, in seconds."""


class Toolbox:
    """Hands out the same tools to everyone.

    Args:
        tools: Functions the model may call; see `langchain.tools.tool`.
    """

    def __init__(self, tools: Sequence[BaseTool]) -> None:
        self._tools = tools

    async def tools(self, context: RequestContext) -> Sequence[BaseTool]:
        """Return the tools of a turn, besides the agent's own."""
        return self._tools


@asynccontextmanager
async def open_toolbox(settings: ToolSettings, store: ChatStore) -> AsyncIterator[Toolbox]:
    """Collect the tools; there is nothing to open or to close."""
    yield Toolbox([])
