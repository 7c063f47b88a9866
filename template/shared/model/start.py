"""Prepares the Agents SDK, before the backend answers."""

import logging
from collections.abc import Iterable
from typing import Any, get_args

import anyio.lowlevel
from agents import set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from openai.types.responses import Response, ResponseStreamEvent, ResponseUsage

from app.warm_up import build_models


async def prepare(types: Iterable[object] = ()) -> None:
    """Do what the SDKs leave until the first turn; its deltas would wait for it.

    Args:
        types: More models that the client reads.
    """
    logging.getLogger("openai.agents").addFilter(_is_news)
    # Nothing receives traces; the SDK's own provider would begin with a client for them.
    set_trace_provider(DefaultTraceProvider())
    # The Agents SDK turns what any model sends into these events.
    events = get_args(get_args(ResponseStreamEvent)[0])
    build_models([Response, ResponseUsage, *events, *types])
    # A response that is not streamed is read field by field, each with a schema of its own.
    message = {"type": "message", "content": [{"type": "output_text", "text": ""}]}
    response: dict[str, Any] = {**dict.fromkeys(Response.model_fields, ""), "output": [message]}
    Response.construct(**response)
    await anyio.lowlevel.checkpoint()  # Loads what the client needs on this event loop.


def _is_news(record: logging.LogRecord) -> bool:
    """Reject what the Agents SDK logs about a failed request: it does not know whose it was."""
    failures = ("Error streaming response", "Error getting response")
    return not record.getMessage().startswith(failures)
