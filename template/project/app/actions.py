"""What users do in widgets: a click on a button, a tick in a box."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from chatkit.actions import Action
from chatkit.types import (
    HiddenContextItem,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadStreamEvent,
    WidgetItem,
)
from pydantic import BaseModel, ValidationError

from app.base import Turn
from app.errors import ApiError

Payload = TypeVar("Payload", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class WidgetAction:
    """An action of one of the user's own widgets.

    Attributes:
        kind: Which action it is, as the browser has sent it.
        payload: More about it, as the browser has sent it: read it with `read`.
        widget: The widget, as it is stored.
        turn: The widget's thread, the store and the request; there is no message.
    """

    kind: str
    payload: Any
    widget: WidgetItem
    turn: Turn

    def read(self, model: type[Payload]) -> Payload:
        """Return the payload, which anybody can forge, as *model*.

        Raises:
            ApiError: 400, it is not valid.
        """
        try:
            return model.model_validate(self.payload)
        except ValidationError:
            raise ApiError(400, "invalid_action", "The action's payload is not valid.") from None


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What an action has changed.

    Attributes:
        widget: The widget as it is now.
        note: What the model should know about it, if anything.
    """

    widget: WidgetItem
    note: str | None = None

    def events(self, action: WidgetAction) -> list[ThreadStreamEvent]:
        """Return the events that show it, and pass the note on to the model."""
        events: list[ThreadStreamEvent] = [ThreadItemReplacedEvent(item=self.widget)]
        if self.note is not None:
            events.append(ThreadItemDoneEvent(item=_hidden(self.note, action.turn)))
        return events

    async def save(self, action: WidgetAction) -> None:
        """Store it without any events."""
        turn = action.turn
        await turn.store.save_item(turn.thread.id, self.widget, turn.context)
        if self.note is not None:
            note = _hidden(self.note, turn)
            await turn.store.add_thread_item(turn.thread.id, note, turn.context)


ActionHandler = Callable[[WidgetAction], Awaitable[ActionOutcome]]
"""Carries out one type of action."""


@runtime_checkable
class WidgetAgent(Protocol):
    """An agent whose widgets have actions; those of others are declined."""

    async def act(self, action: WidgetAction) -> ActionOutcome:
        """Carry out an action.

        After it the agent answers, unless the widget has sent the action with
        `"streaming": false`.

        Raises:
            ApiError: 400, there is no such action, or it is not possible.
        """
        ...


async def carry_out(
    agent: object, turn: Turn, action: Action[str, Any], sender: WidgetItem | None
) -> tuple[WidgetAction, ActionOutcome]:
    """Let the agent carry out an action; return it with its outcome.

    Raises:
        ApiError: 400, there is no such action, or it is not possible.
    """
    if sender is None or not isinstance(agent, WidgetAgent):
        raise ApiError(400, "not_supported", "Only a widget can send an action.")
    done = WidgetAction(action.type, action.payload, sender, turn)
    return done, await agent.act(done)


def _hidden(note: str, turn: Turn) -> HiddenContextItem:
    return HiddenContextItem(
        id=turn.store.generate_item_id("message", turn.thread, turn.context),
        thread_id=turn.thread.id,
        created_at=datetime.now(),
        content=note,
    )
