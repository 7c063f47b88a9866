"""A widget with boxes to tick and a button; what the user does in it is kept in the widget."""

from typing import Any

from agents import function_tool
from chatkit.actions import ActionConfig
from chatkit.types import WidgetItem
from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, Field

from app.actions import ActionOutcome, WidgetAction
from app.errors import ApiError
from app.model.context import Run


class Entry(BaseModel):
    """A line of a checklist."""

    text: str
    done: bool = False


class Checklist(BaseModel):
    """What a checklist says; `to_widget` and `from_widget` are the inverse of each other."""

    title: str
    entries: list[Entry]
    finished: bool = False

    def to_widget(self) -> DynamicWidgetRoot:
        """Return the card that shows it."""
        title: dict[str, Any] = {"type": "Title", "value": self.title}
        lines = [self._line(number, entry) for number, entry in enumerate(self.entries)]
        button = {
            "type": "Button",
            "label": "Finished" if self.finished else "Finish",
            "disabled": self.finished,
            "onClickAction": ActionConfig(type="checklist.finish"),
        }
        card = {"type": "Card", "children": [title, *lines, button]}
        return DynamicWidgetRoot.model_validate(card)

    @classmethod
    def from_widget(cls, item: WidgetItem) -> "Checklist":
        """Return what a stored widget shows.

        Raises:
            ApiError: 400, it is not a checklist.
        """
        try:
            title, *lines, button = item.widget.model_dump()["children"]
            entries = [Entry(text=line["label"], done=line["defaultChecked"]) for line in lines]
            return cls(title=title["value"], entries=entries, finished=button["disabled"])
        except (KeyError, TypeError, ValueError):
            raise ApiError(400, "not_a_checklist", "This is not a checklist.") from None

    def _line(self, number: int, entry: Entry) -> dict[str, Any]:
        return {
            "type": "Checkbox",
            "name": f"entry-{number}",
            "label": entry.text,
            "defaultChecked": entry.done,
            "disabled": self.finished,
            # Not streaming: only the widget changes, so it works while an answer streams.
            "onChangeAction": ActionConfig(
                type="checklist.tick",
                payload={"number": number, "done": not entry.done},
                streaming=False,
            ),
        }


class Tick(BaseModel):
    """The payload of `checklist.tick`."""

    number: int = Field(ge=0)
    done: bool


@function_tool
async def show_checklist(run: Run, title: str, entries: list[str]) -> str:
    """Show the user a checklist: what to pack, to buy or to do.

    Args:
        title: A few words.
        entries: What there is to do, a few words each.
    """
    checklist = Checklist(title=title, entries=[Entry(text=text) for text in entries])
    await run.context.stream_widget(checklist.to_widget(), copy_text="\n".join([title, *entries]))
    return "The user sees the checklist."


async def tick(action: WidgetAction) -> ActionOutcome:
    """Tick a box, or clear it."""
    ticked = action.read(Tick)
    checklist = open_checklist(action)
    if ticked.number >= len(checklist.entries):
        raise ApiError(400, "no_such_entry", "The checklist has no such entry.")
    checklist.entries[ticked.number].done = ticked.done
    return ActionOutcome(changed(action.widget, checklist))


async def finish(action: WidgetAction) -> ActionOutcome:
    """Close the checklist, and let the model know what is left; it answers."""
    checklist = open_checklist(action)
    checklist.finished = True
    left = [entry.text for entry in checklist.entries if not entry.done]
    note = f'The user has finished the checklist "{checklist.title}". '
    note += f"Not ticked: {', '.join(left)}." if left else "Everything is ticked."
    return ActionOutcome(changed(action.widget, checklist), note)


def open_checklist(action: WidgetAction) -> Checklist:
    """Return the checklist that an action is about.

    Raises:
        ApiError: 400, the widget is no checklist, or it is finished.
    """
    checklist = Checklist.from_widget(action.widget)
    if checklist.finished:
        raise ApiError(400, "finished", "The checklist is finished.")
    return checklist


def changed(item: WidgetItem, checklist: Checklist) -> WidgetItem:
    """Return the widget with what the checklist says now."""
    return item.model_copy(update={"widget": checklist.to_widget()})
