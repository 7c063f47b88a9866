"""Times as clients get them: with their offset from UTC.

The SDK makes times without a zone, in this machine's, and computes with them. They stay as they are
in the store and for the agent; but a browser would read them in its own zone, hours off. So all
processes of a store need the same zone (`TZ`).
"""

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

FIELDS = ("created_at", "thread", "item", "items", "data", "updated_item", "arguments", "output")
"""Where the SDK's events and results have times, or parts with times.

Not in widgets: the date of a picker is a day of the calendar, the same one in each zone.
"""

Model = TypeVar("Model", bound=BaseModel)


def with_offsets(model: Model) -> Model:
    """Return an event or a result with an offset at each time that lacks one.

    The model itself is not changed: it may be the store's or the agent's.
    """
    fields = vars(model)
    changed = {}
    for name in _names(type(model)):
        part = fields[name]
        sent = _sent(part)
        if sent is not part:
            changed[name] = sent
    return model.model_copy(update=changed) if changed else model


@cache
def _names(kind: type[BaseModel]) -> list[str]:
    """Return which of `FIELDS` a kind of model has; most events are pieces of a text, with none."""
    return [name for name in FIELDS if name in kind.model_fields]


def _sent(part: Any) -> Any:
    if isinstance(part, datetime):
        # The offset at that time, which is another one in summer.
        return part.astimezone() if part.tzinfo is None else part
    if not part or isinstance(part, str):
        return part
    if isinstance(part, list):
        return [_sent(one) for one in part]
    if isinstance(part, dict):
        return {name: _sent(one) for name, one in part.items()}
    return with_offsets(part) if isinstance(part, BaseModel) else part
