"""What was sent, what came back, and what can be read out of it."""

from dataclasses import dataclass, field
from typing import Any

from chatkit_scaffold.protocol.event_stream import Event, parse_json
from chatkit_scaffold.text import shorten

# Classes of status codes: RFC 9110, section 15.
_SUCCESS, _REDIRECTION, _CLIENT_ERROR, _SERVER_ERROR = 2, 3, 4, 5
_DELTA = "assistant_message.content_part.text_delta"
_PART_ADDED = "assistant_message.content_part.added"
_BODY_SHOWN = 200
_TYPES_SHOWN = 8


@dataclass(slots=True)
class Exchange:
    """One request and its answer, however odd.

    Attributes:
        sent: The request in one line for people; never a header's value.
        status: HTTP status; 0 when no answer began.
        headers: Of the answer, names in lower case; repeated ones joined by a comma.
        body: The answer, up to the client's limit.
        events: The stream's events, in order.
        faults: What is wrong with the framing of the events.
        error: Why the answer did not come to its end; empty when it did.
        stopped: Whether the client closed the connection on purpose.
        seconds: From sending to the end.
    """

    sent: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: list[Event] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    error: str = ""
    stopped: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether a whole answer came with a status of 200 to 299."""
        return self.is_success and not self.error

    @property
    def is_success(self) -> bool:
        """Whether the response began with a status of 200 to 299."""
        return self.status // 100 == _SUCCESS

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 300 to 399."""
        return self.status // 100 == _REDIRECTION

    @property
    def is_client_error(self) -> bool:
        """Whether the status is 400 to 499."""
        return self.status // 100 == _CLIENT_ERROR

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 500 to 599."""
        return self.status // 100 == _SERVER_ERROR

    @property
    def is_error(self) -> bool:
        """Whether the status is 400 to 599."""
        return self.is_client_error or self.is_server_error

    @property
    def content_type(self) -> str:
        """Media type of the answer, in lower case and without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        """The body's JSON value; None when it is not JSON."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    @property
    def thread_id(self) -> str | None:
        """Id of the thread that was created or written to, if the answer tells it."""
        for event in self.of_type("thread.created"):
            if thread_id := text_at(event, "thread", "id"):
                return thread_id
        for item in self.items:
            if thread_id := text_at(item, "thread_id"):
                return thread_id
        return None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items of `thread.item.done` events, in order."""
        return [
            item
            for event in self.of_type("thread.item.done")
            if isinstance(item := event.get("item"), dict)
        ]

    @property
    def user_messages(self) -> list[dict[str, Any]]:
        """The finished items that are the user's."""
        return [item for item in self.items if item.get("type") == "user_message"]

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The finished items that are not the user's, nor the mark of a turn's end."""
        return [
            item for item in self.items if item.get("type") not in ("user_message", "end_of_turn")
        ]

    @property
    def text(self) -> str:
        """The assistant's words, from its finished messages."""
        return "\n".join(
            item_text(item) for item in self.items if item.get("type") == "assistant_message"
        )

    @property
    def deltas(self) -> list[str]:
        """The pieces of text in the order they came, of all messages and parts."""
        return [piece for _, _, piece in self.text_pieces]

    @property
    def text_pieces(self) -> list[tuple[str, int, str]]:
        """Item id, index of the part, and text, of every piece that came."""
        pieces = []
        for event in self.of_type("thread.item.updated"):
            kind, index = dig(event, "update", "type"), dig(event, "update", "content_index")
            piece = dig(event, "update", "delta") if kind == _DELTA else None
            if kind == _PART_ADDED:
                piece = dig(event, "update", "content", "text")
            if isinstance(piece, str) and piece:
                pieces.append((str(event.get("item_id")), index if _is_int(index) else 0, piece))
        return pieces

    @property
    def got(self) -> str:
        """The answer in one line for people."""
        parts = [str(self.status) if self.status else "no answer"]
        if self.status and self.content_type:
            parts.append(self.content_type)
        if self.events:
            parts.append(f"{len(self.events)} events: {self._event_types()}")
        elif self.status:
            parts.append(
                shorten(self.body[:2000].decode("utf-8", "replace"), _BODY_SHOWN) or "empty body"
            )
        if self.error:
            parts.append(self.error)
        return ", ".join(parts)

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """Return the events of one type."""
        return [event.data for event in self.events if event.type == name]

    def _event_types(self) -> str:
        names = [event.type or "(no type)" for event in self.events]
        shown = list(dict.fromkeys(names))
        more = " …" if len(shown) > _TYPES_SHOWN else ""
        return shorten(", ".join(shown[:_TYPES_SHOWN]), 300) + more


def dig(value: Any, *path: str | int) -> Any:
    """Follow keys and indexes into JSON; None where the path ends early."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str | None:
    """Follow a path to a string that is not empty; None where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, str) and found else None


def rows(value: Any, *path: str | int) -> list[dict[str, Any]]:
    """Follow a path to a list and return the objects in it."""
    found = dig(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def ids(values: list[dict[str, Any]]) -> list[str]:
    """Return the ids of threads or items, in order; one without an id counts as empty."""
    return [text_at(value, "id") or "" for value in values]


def item_text(item: dict[str, Any]) -> str:
    """Return the text of a user's or an assistant's message, its parts joined."""
    return "".join(text for part in rows(item, "content") if (text := text_at(part, "text")))


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
