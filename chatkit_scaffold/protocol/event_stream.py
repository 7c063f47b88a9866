"""A parser for server-sent events as ChatKit frames them; it never raises, whatever the input."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from chatkit_scaffold.text import shorten

_MAX_ERRORS = 20
_MAX_NAMES = 20


@dataclass(frozen=True, slots=True)
class Event:
    """One JSON object of a stream.

    Attributes:
        data: The object; any key may be absent or of any JSON type.
        elapsed: Seconds since the request was sent.
    """

    data: dict[str, Any]
    elapsed: float

    @property
    def type(self) -> str:
        """The event's type; empty if it has none."""
        name = self.data.get("type")
        return name if isinstance(name, str) else ""


class EventParser:
    """Parses a body chunk by chunk and collects framing errors.

    Also returns events that are recognizable despite wrong framing, so that one mistake in a
    server leads to one failed check.

    Attributes:
        framing_errors: What is wrong with the framing, at most twenty sentences.
        event_names: The names in `event:` lines that are not the default, at most twenty.

    Source: ChatKitServer._process_streaming frames an event as `data: <json>` and a blank
    line, with no event name (openai-chatkit 1.6.5).
    """

    def __init__(self) -> None:
        self.framing_errors: list[str] = []
        self.event_names: list[str] = []
        self._rest: list[bytes] = []
        """The chunks of the unfinished line, which are joined once: it may be of any length."""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Return the events that *chunk* completes."""
        end, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._rest.append(chunk)
            return []
        lines = b"".join([*self._rest, end]).split(b"\n")
        self._rest = [rest]
        return [event for line in lines for event in self._line(line)]

    def close(self) -> list[dict[str, Any]]:
        """Return the events that only the end of the body completes."""
        rest = b"".join(self._rest)
        events = self._line(rest) if rest else []
        self._rest = []
        if self._data:
            self._error("no blank line after the last event")
            events += self._event()
        return events

    def _line(self, raw: bytes) -> list[dict[str, Any]]:
        line = raw.removesuffix(b"\r").decode("utf-8", "replace")
        if not line.strip():
            return self._event()
        if line.startswith("event:"):
            self._name(line.removeprefix("event:").strip())
            return []
        if line.startswith((":", "id:", "retry:")):
            return []
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
            return []
        self._error(f'a line that does not start with "data: ": {shorten(line)}')
        bare = parse_object(line)
        return [] if bare is None else [bare]

    def _event(self) -> list[dict[str, Any]]:
        if not self._data:
            return []
        text = "\n".join(self._data)
        self._data = []
        if text.lstrip().startswith("data:"):
            self._error(f'"data:" twice in one line: data: {shorten(text)}')
            text = text.lstrip().removeprefix("data:")
        event = parse_object(text)
        if event is None:
            self._error(f"event data that is not a JSON object: {shorten(text)}")
        return [] if event is None else [event]

    def _name(self, name: str) -> None:
        named = name not in ("", "message", *self.event_names)
        if named and len(self.event_names) < _MAX_NAMES:
            self.event_names.append(name)

    def _error(self, text: str) -> None:
        if len(self.framing_errors) < _MAX_ERRORS:
            self.framing_errors.append(text)


def parse_json(text: str | bytes) -> Any:
    """Return the value in *text*.

    Raises:
        ValueError: It is not JSON as defined by RFC 8259, or it is nested too deeply or has a
            number with too many digits for Python to read.
    """
    try:
        return json.loads(text, parse_constant=_reject)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in *text*, None if there is none."""
    try:
        value = parse_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
