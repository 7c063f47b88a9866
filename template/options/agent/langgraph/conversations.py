"""A tool that knows the user."""

from typing import Any

from langchain.tools import ToolRuntime, tool

from app.base import Turn


@tool
async def earlier_conversations(runtime: ToolRuntime[Turn, Any]) -> list[str]:
    """Return the titles of the user's latest conversations, newest first."""
    # The user comes from the request, never from a parameter: the model writes those, and a
    # message can talk it into any value.
    turn = runtime.context
    page = await turn.store.load_threads(10, None, "desc", turn.context)
    return [thread.title for thread in page.data if thread.title]
