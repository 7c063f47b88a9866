"""Runs the tools that the model calls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from chatkit.types import ThreadStreamEvent
from langchain.agents import AgentState
from langchain.agents.middleware import AgentMiddleware, ToolCallRequest, hook_config
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import ToolException
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime
from langgraph.types import Command

from app.base import Turn
from app.model.clock import ModelClock
from app.tool_progress import ToolProgress

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ToolResult = ToolMessage | Command[Any]


class ToolCalls(AgentMiddleware[AgentState[Any], Turn]):
    """Shows each call of a tool in the chat, limits its time, and survives its failure.

    Args:
        turn: The turn in which the tools are called.
        clock: Measures the model's silence, and waits while tools run.
        timeout: How long a tool may take, in seconds.
    """

    def __init__(self, turn: Turn, clock: ModelClock, timeout: float) -> None:
        super().__init__()
        self._turn = turn
        self._clock = clock
        self._timeout = timeout
        self._progress = ToolProgress(turn)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """Run one call; the graph runs the others of a message at the same time."""
        call = request.tool_call
        show: Callable[[ThreadStreamEvent], None] = request.runtime.stream_writer
        call_id = call["id"] or ""
        with self._clock.stopped():
            for event in self._progress.started(call_id, call["name"], call["args"]):
                show(event)
            result = await self._result(request, handler)
            ok = not isinstance(result, ToolMessage) or result.status != "error"
            for event in self._progress.finished(call_id, ok):
                show(event)
        return result

    @hook_config(can_jump_to=["model"])
    async def aafter_model(
        self, state: AgentState[Any], runtime: Runtime[Turn]
    ) -> dict[str, Any] | None:
        """Ask the model again if it has called tools only with what is not JSON.

        LangChain tells it what was wrong, but would end the run.
        """
        last = state["messages"][-1]
        if isinstance(last, AIMessage) and last.invalid_tool_calls and not last.tool_calls:
            return {"jump_to": "model"}
        return None

    async def _result(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolResult]]
    ) -> ToolResult:
        """Return the tool's result, or say to the model why there is none."""
        try:
            async with asyncio.timeout(self._timeout) as limit:
                return await handler(request)
        except GraphBubbleUp:
            raise  # Part of how a graph works.
        except ToolException as error:
            reason = str(error)
        except Exception as error:
            if limit.expired():
                seconds = f"{self._timeout:g} seconds"
                reason = f"It took longer than {seconds}; it may have changed something."
            else:
                reason = "It has failed."
            self._log_failure(request, error)
        return _error_message(request, reason)

    def _log_failure(self, request: ToolCallRequest, error: Exception) -> None:
        log.error(
            "tool failed",
            tool=request.tool_call["name"],
            request_id=self._turn.context.request_id,
            exc_info=error,
        )


def _error_message(request: ToolCallRequest, reason: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(
        f"The tool {call['name']} has no result. {reason}",
        name=call["name"],
        tool_call_id=call["id"],
        status="error",
    )
