"""The folder of features, and the time that their tools may take."""

import asyncio

import pytest
from agents import FunctionTool, function_tool

from app import tools
from app.agent import AgentSettings
from app.base import ChatStore
from app.features import Feature
from tests.scripted import ALICE
from tests.services.agent import Model


@function_tool
async def wait_for_ever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return "never"


@pytest.mark.anyio
async def test_tools_have_a_time_limit(
    store: ChatStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tools of features get TOOL_TIMEOUT."""
    monkeypatch.setattr(tools, "load_features", lambda: Feature(tools=[wait_for_ever]))
    fields = {name.lower(): value for name, value in model().items()}
    settings = AgentSettings.model_validate({**fields, "tool_timeout": 0.25})
    async with tools.open_toolbox(settings, store) as toolbox:
        offered = await toolbox.tools(ALICE)
    [limited] = [tool for tool in offered if tool.name == wait_for_ever.name]
    assert isinstance(limited, FunctionTool)
    assert limited.timeout_seconds == 0.25
