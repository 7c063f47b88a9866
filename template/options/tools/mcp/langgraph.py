"""The tools that the model may call besides the agent's own: those of an MCP server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from chatkit.errors import CustomStreamError
from langchain_core.tools import BaseTool, ToolException
from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
from langchain_mcp_adapters.sessions import create_session
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import ClientSession

from app.base import ChatStore, RequestContext
from app.mcp_tools.link import Link, ToolSettings, UserAuth, open_link
from app.mcp_tools.sessions import Sessions, ToolServerError

__all__ = ["ToolSettings", "Toolbox", "open_session", "open_toolbox"]


class Toolbox:
    """Hands out the tools of the MCP server.

    Args:
        sessions: Where they are called.
    """

    def __init__(self, sessions: Sessions[ClientSession]) -> None:
        self._sessions = sessions

    async def tools(self, context: RequestContext) -> Sequence[BaseTool]:
        """Return the tools of a turn, besides the agent's own.

        Raises:
            CustomStreamError: The MCP server cannot be reached. Without its tools, the model might
                claim to have done what it cannot do.
        """
        calls = UserCalls(self._sessions, context)
        try:
            return await self._sessions.call(
                context,
                lambda session: load_mcp_tools(session, tool_interceptors=[calls]),
                repeatable=True,
            )
        except ToolServerError:
            message = "The tools cannot be reached at the moment."
            raise CustomStreamError(message, allow_retry=True) from None


class UserCalls:
    """Calls tools in the user's session, which may be a newer one than that of the listing."""

    def __init__(self, sessions: Sessions[ClientSession], context: RequestContext) -> None:
        self._sessions = sessions
        self._context = context

    async def __call__(
        self,
        request: MCPToolCallRequest,
        handler: Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]],
    ) -> MCPToolCallResult:
        """Call a tool; the model reads why if that fails."""
        try:
            return await self._sessions.call(
                self._context, lambda session: session.call_tool(request.name, request.args)
            )
        except ToolServerError as error:
            raise ToolException(str(error)) from None


@asynccontextmanager
async def open_session(link: Link, auth: UserAuth) -> AsyncIterator[ClientSession]:
    """Open a session with LangChain's MCP client."""
    async with create_session(
        {
            "transport": "streamable_http",
            "url": link.url,
            "auth": auth,
            "httpx_client_factory": link.client,
        }
    ) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def open_toolbox(settings: ToolSettings, store: ChatStore) -> AsyncIterator[Toolbox]:
    """Open the way to the MCP server; sessions are opened when users need them."""
    async with (
        open_link(settings, store) as link,
        Sessions(link, open_session, settings.tool_timeout).closed_at_end() as sessions,
    ):
        yield Toolbox(sessions)
