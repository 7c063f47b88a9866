"""Tools of the model and actions of widgets: each module or package here has a `FEATURE`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules

from agents import FunctionTool

from app.actions import ActionHandler


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the agent can do.

    Attributes:
        tools: Functions that the model may call; see `agents.function_tool`. The user sees each
            call while it runs.
        widgets: Tools that show the user something themselves, such as a widget.
        questions: Tools that end the turn, because the user or the page has to answer them.
        actions: Carry out the actions of widgets, by the action's type.
    """

    tools: Sequence[FunctionTool] = ()
    widgets: Sequence[FunctionTool] = ()
    questions: Sequence[FunctionTool] = ()
    actions: Mapping[str, ActionHandler] = field(default_factory=dict)

    @property
    def all_tools(self) -> list[FunctionTool]:
        """What the model may call."""
        return [*self.tools, *self.widgets, *self.questions]


def load_features() -> Feature:
    """Return all features of this folder in one."""
    names = [f"{__name__}.{found.name}" for found in iter_modules(__path__)]
    features: list[Feature] = [import_module(name).FEATURE for name in names]
    return Feature(
        tools=[tool for feature in features for tool in feature.tools],
        widgets=[tool for feature in features for tool in feature.widgets],
        questions=[tool for feature in features for tool in feature.questions],
        actions={name: act for feature in features for name, act in feature.actions.items()},
    )
