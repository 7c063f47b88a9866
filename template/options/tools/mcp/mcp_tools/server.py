"""The MCP server of the to-do list, reached through this machine's loopback interface only."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, TypeVar

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import AnyHttpUrl, BaseModel, Field

from app.base import StoreUnavailableError
from app.mcp_tools.tokens import RequestTokens
from app.tasks import MAX_NOTES_LENGTH, MAX_TITLE_LENGTH, Task, TaskError, Tasks

LOOPBACK = "127.0.0.1"

T = TypeVar("T")

TaskId = Annotated[str, Field(description="The task's id, from list_tasks or add_task.")]
Title = Annotated[str, Field(description=f"At most {MAX_TITLE_LENGTH} characters.")]
Notes = Annotated[str, Field(description=f"Details, at most {MAX_NOTES_LENGTH} characters.")]


class TaskList(BaseModel):
    """What `list_tasks` returns; a list of its own would be empty content without tasks."""

    tasks: list[Task]


def build_server(tasks: Tasks, tokens: RequestTokens) -> FastMCP:
    """Describe the tools.

    None has a parameter for the user: a tool works for the user of the request's token.
    """
    server = FastMCP(
        "to-do list",
        # The server checks that requests are sent to this host, and not to a name that leads here.
        host=LOOPBACK,
        stateless_http=True,
        json_response=True,
        token_verifier=tokens,
        # Only used to tell clients where to sign in, which this server's client does not need.
        auth=AuthSettings(issuer_url=AnyHttpUrl(f"http://{LOOPBACK}"), resource_server_url=None),
    )

    @server.tool()
    async def add_task(title: Title, notes: Notes = "") -> Task:
        """Add a task to the user's to-do list."""
        return await _result(tasks.add(_user_id(), title, notes))

    @server.tool(annotations=ToolAnnotations(readOnlyHint=True))
    async def list_tasks() -> TaskList:
        """List the tasks on the user's to-do list with their ids, oldest first."""
        return TaskList(tasks=await _result(tasks.listed(_user_id())))

    @server.tool()
    async def complete_task(task_id: TaskId) -> Task:
        """Mark a task as done."""
        return await _result(tasks.change(_user_id(), task_id, done=True))

    @server.tool()
    async def update_task(
        task_id: TaskId,
        title: Title | None = None,
        notes: Notes | None = None,
        done: bool | None = None,
    ) -> Task:
        """Change a task; what is left out or null stays as it is."""
        fields = {"title": title, "notes": notes, "done": done}
        changes = {name: value for name, value in fields.items() if value is not None}
        return await _result(tasks.change(_user_id(), task_id, **changes))

    @server.tool(annotations=ToolAnnotations(destructiveHint=True))
    async def delete_task(task_id: TaskId) -> Task:
        """Delete a task, and return what it was."""
        return await _result(tasks.delete(_user_id(), task_id))

    return server


def _user_id() -> str:
    """Return the user of the request's token."""
    token = get_access_token()
    if token is None or token.subject is None:
        raise ToolError("The request has no user.")
    return token.subject


async def _result(work: Awaitable[T]) -> T:
    """Return what *work* returns; turn its errors into sentences for the model."""
    try:
        return await work
    except TaskError as error:
        raise ToolError(str(error)) from None
    except StoreUnavailableError:
        raise ToolError("The to-do list cannot be reached at the moment.") from None


@asynccontextmanager
async def serving(server: FastMCP) -> AsyncIterator[str]:
    """Serve MCP on a free port in this process, and return the endpoint's URL."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        config = uvicorn.Config(
            server.streamable_http_app(),
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="on",
            # Longer than clients keep an unused connection, so that they never use a closed one.
            timeout_keep_alive=60,
        )
        inner = InnerServer(config)
        running = asyncio.create_task(inner.serve([listening]))
        try:
            yield f"http://{LOOPBACK}:{listening.getsockname()[1]}/mcp"
        finally:
            inner.should_exit = True
            await running


class InnerServer(uvicorn.Server):
    """A server in the process of another one, which handles the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
