"""The tools that the model may call: its agent's, and those of an MCP server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from agents import AgentBase, FunctionTool, RunContextWrapper, Tool
from agents.exceptions import UserError
from agents.mcp import MCPServer, MCPServerStreamableHttp, MCPUtil
from chatkit.errors import CustomStreamError
from mcp.types import CallToolResult, GetPromptResult, ListPromptsResult, TextContent
from mcp.types import Tool as MCPTool

from app.base import ChatStore, RequestContext
from app.features import load_features
from app.mcp_tools.link import Link, ToolSettings, UserAuth, open_link
from app.mcp_tools.sessions import Sessions, ToolServerError

__all__ = ["ToolSettings", "Toolbox", "open_session", "open_toolbox"]


class Toolbox:
    """Hands out the tools.

    Args:
        tools: The agent's own; see `agents.function_tool`.
        timeout: How long each of them may take, in seconds.
        sessions: Where the MCP server's are called.
    """

    def __init__(
        self, tools: Sequence[FunctionTool], timeout: float, sessions: Sessions[MCPServer]
    ) -> None:
        self._tools = [replace(tool, timeout_seconds=timeout) for tool in tools]
        self._sessions = sessions

    async def tools(self, context: RequestContext) -> Sequence[Tool]:
        """Return the tools of a turn.

        Raises:
            CustomStreamError: The MCP server cannot be reached. Without its tools, the model might
                claim to have done what it cannot do.
        """
        server = UserServer(self._sessions, context)
        try:
            found = await server.list_tools()
        except ToolServerError:
            message = "The tools cannot be reached at the moment."
            raise CustomStreamError(message, allow_retry=True) from None
        return [*self._tools, *(MCPUtil.to_function_tool(tool, server, False) for tool in found)]


class UserServer(MCPServer):
    """The MCP server as one user's turn sees it: every call goes through the user's session."""

    def __init__(self, sessions: Sessions[MCPServer], context: RequestContext) -> None:
        super().__init__()
        self._sessions = sessions
        self._context = context

    @property
    def name(self) -> str:
        """What the SDK calls the server in its errors."""
        return "tools"

    async def connect(self) -> None:
        """Do nothing: the session is opened by the first call."""

    async def cleanup(self) -> None:
        """Do nothing: the session stays open for the next turn."""

    async def list_tools(
        self,
        run_context: RunContextWrapper[Any] | None = None,
        agent: AgentBase[Any] | None = None,
    ) -> list[MCPTool]:
        """Return the server's tools."""
        return await self._sessions.call(
            self._context, lambda server: server.list_tools(), repeatable=True
        )

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Call one of the server's tools; the model reads why if that fails."""
        try:
            return await self._sessions.call(
                self._context, lambda server: server.call_tool(tool_name, arguments, meta)
            )
        except ToolServerError as error:
            reason = TextContent(type="text", text=str(error))
            return CallToolResult(content=[reason], isError=True)

    async def list_prompts(self) -> ListPromptsResult:
        """Return the server's prompts."""
        return await self._sessions.call(
            self._context, lambda server: server.list_prompts(), repeatable=True
        )

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None
    ) -> GetPromptResult:
        """Return one of the server's prompts."""
        return await self._sessions.call(
            self._context, lambda server: server.get_prompt(name, arguments), repeatable=True
        )


@asynccontextmanager
async def open_session(link: Link, auth: UserAuth) -> AsyncIterator[MCPServer]:
    """Open a session with the Agents SDK's MCP client."""
    server = MCPServerStreamableHttp(
        {"url": link.url, "auth": auth, "httpx_client_factory": link.client},
        name="tools",  # By default, its errors have the address in them.
        client_session_timeout_seconds=None,  # `Sessions` limits each call.
    )
    try:
        async with server:
            yield server
    except UserError as error:
        raise ConnectionError(str(error)) from None


@asynccontextmanager
async def open_toolbox(settings: ToolSettings, store: ChatStore) -> AsyncIterator[Toolbox]:
    """Open the way to the MCP server; sessions are opened when users need them."""
    async with (
        open_link(settings, store) as link,
        Sessions(link, open_session, settings.tool_timeout).closed_at_end() as sessions,
    ):
        yield Toolbox(load_features().all_tools, settings.tool_timeout, sessions)
