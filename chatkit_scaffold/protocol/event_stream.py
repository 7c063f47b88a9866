"""Server-sent events as ChatKit frames them, read so that no input can break the reader."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from chatkit_scaffold.text import shorten

_MAX_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Event:
    """One JSON object of a stream.

    Attributes:
        data: The object; any key may be absent or of any JSON type.
        at: Seconds since the request was sent.
    """

    data: dict[str, Any]
    at: float

    @property
    def type(self) -> str:
        """The event's type, or an empty string where it has none."""
        name = self.data.get("type")
        return name if isinstance(name, str) else ""


class EventParser:
    """Takes a body in pieces, gives events, and notes what is wrong with their framing.

    What can be recognised in spite of its framing is given all the same: one mistake
    should lead to one finding.

    Source: ChatKitServer._process_streaming frames an event as `data: <json>` and a blank
    line, with no event name (openai-chatkit 1.6.5).
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._rest = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Return the events which *chunk* completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for line in lines for event in self._line(line)]

    def close(self) -> list[dict[str, Any]]:
        """Return what is left when the body has ended."""
        events = self._line(self._rest) if self._rest else []
        self._rest = b""
        if self._data:
            self._fault("the last event is not followed by a blank line")
            events += self._event()
        return events

    def _line(self, raw: bytes) -> list[dict[str, Any]]:
        line = raw.removesuffix(b"\r").decode("utf-8", "replace")
        if not line.strip():
            return self._event()
        if line.startswith((":", "event:", "id:", "retry:")):
            return []
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
            return []
        self._fault(f'a line does not begin with "data: ": {shorten(line)}')
        bare = as_object(line)
        return [] if bare is None else [bare]

    def _event(self) -> list[dict[str, Any]]:
        if not self._data:
            return []
        text = "\n".join(self._data)
        self._data = []
        if text.lstrip().startswith("data:"):
            self._fault(f'"data:" is there twice: data: {shorten(text)}')
            text = text.lstrip().removeprefix("data:")
        event = as_object(text)
        if event is None:
            self._fault(f"the data of an event is not a JSON object: {shorten(text)}")
        return [] if event is None else [event]

    def _fault(self, text: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(text)


def parse_json(text: str | bytes) -> Any:
    """Return the value *text* holds.

    Raises:
        ValueError: It is not JSON as RFC 8259 has it, is nested too deep to be read, or
            holds a number too long to be read.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def as_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that *text* is, or None."""
    try:
        value = parse_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
