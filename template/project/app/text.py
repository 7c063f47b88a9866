"""Repairs text that cannot be encoded.

Models send text in pieces, and some gateways cut an emoji in two: Python then holds halves, called
surrogates, that neither a database nor a response can contain.
"""

from typing import TypeVar, cast

from chatkit.types import (
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

Model = TypeVar("Model", bound=BaseModel)


class TextRepair:
    """Repairs the events of one turn."""

    def __init__(self) -> None:
        self._halves: dict[tuple[str, int], str] = {}
        """The half with which a part's last delta ended, by item and part."""

    def __call__(self, event: ThreadStreamEvent) -> ThreadStreamEvent:
        """Return an event that can be encoded; nearly always, it is the same."""
        if isinstance(event, ThreadItemUpdatedEvent):
            update = event.update
            if isinstance(update, AssistantMessageContentPartTextDelta):
                if not self._halves and is_well_formed(update.delta):
                    return event
                return event.model_copy(update={"update": self._joined(event.item_id, update)})
            if isinstance(update, AssistantMessageContentPartDone):
                # It has the whole text, with both halves.
                self._halves.pop((event.item_id, update.content_index), None)
        return repaired(event)

    def _joined(
        self, item_id: str, update: AssistantMessageContentPartTextDelta
    ) -> AssistantMessageContentPartTextDelta:
        """Keep a half at the end of the delta for the next one, which begins with the other."""
        key = (item_id, update.content_index)
        text = self._halves.pop(key, "") + update.delta
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._halves[key] = text[:-1], text[-1]
        return update.model_copy(update={"delta": well_formed(text)})


def is_well_formed(text: str) -> bool:
    """Return whether *text* can be encoded."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


def well_formed(text: str) -> str:
    """Join the halves that belong together, and replace the others by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repaired(model: Model) -> Model:
    """Return *model* if it can be encoded, or else a copy of it with all texts repaired."""
    try:
        model.model_dump_json()
    except PydanticSerializationError:
        return cast(Model, _repaired(model))
    return model


def _repaired(value: object) -> object:
    match value:
        case str():
            return value if is_well_formed(value) else well_formed(value)
        case list():
            return [_repaired(entry) for entry in value]
        case dict():
            return {_repaired(key): _repaired(entry) for key, entry in value.items()}
        case BaseModel():
            fields = {**vars(value), **(value.model_extra or {})}
            return value.model_copy(update=cast(dict[str, object], _repaired(fields)))
        case _:
            return value
