"""What tools know about the turn that they run in, and how their work is shown."""

import json
from collections.abc import Sequence
from typing import Any

from agents import Agent, RunContextWrapper, RunHooks, Tool
from agents.tool_context import ToolContext
from chatkit.agents import AgentContext
from chatkit.types import ThreadStreamEvent

from app.base import RequestContext
from app.tool_progress import ToolProgress


class TurnContext(AgentContext[RequestContext]):
    """The context of a run; a tool gets it as `run.context`.

    `request_context` has the user, `thread` and `store` the conversation. `stream` sends an event
    to the client.

    Attributes:
        progress: Makes the events that show the tools.
    """

    progress: ToolProgress


Run = RunContextWrapper[TurnContext]
"""The first parameter of a tool that needs the context; the model does not see it."""


class ShownTools(RunHooks[TurnContext]):
    """Shows each call of a tool while it runs.

    Args:
        hidden: Names of tools that are not shown, because they show something themselves.
    """

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        self._hidden = frozenset(hidden)

    async def on_tool_start(self, context: Run, agent: Agent[TurnContext], tool: Tool) -> None:
        """Show that a call begins."""
        if isinstance(context, ToolContext) and tool.name not in self._hidden:
            arguments = _read(context.tool_arguments)
            progress = context.context.progress
            await _send(context, progress.started(context.tool_call_id, tool.name, arguments))

    async def on_tool_end(
        self, context: Run, agent: Agent[TurnContext], tool: Tool, result: object
    ) -> None:
        """Show that a call has ended; one that failed has told the model so."""
        if isinstance(context, ToolContext):
            await _send(context, context.context.progress.finished(context.tool_call_id))


async def _send(run: Run, events: Sequence[ThreadStreamEvent]) -> None:
    for event in events:
        await run.context.stream(event)


def _read(arguments: str) -> dict[str, Any]:
    """Return a call's arguments; none if the model has not written an object."""
    try:
        found = json.loads(arguments)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
