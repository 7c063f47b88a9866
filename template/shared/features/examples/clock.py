"""A tool that the user's page carries out."""

from agents import function_tool
from chatkit.agents import ClientToolCall

from app.model.context import Run


@function_tool
async def get_local_time(run: Run) -> None:
    """Return the date, the time and the time zone where the user is."""
    # The turn ends here. The page sends the result, and the next turn begins with it.
    run.context.client_tool_call = ClientToolCall(name="get_local_time", arguments={})
