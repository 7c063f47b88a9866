"""A request and its response, with what the checks read from them."""

from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.protocol.event_stream import Event, parse_json
from chatkit_scaffold.text import shorten

# Classes of status codes: RFC 9110, section 15.
_SUCCESS, _REDIRECTION, _CLIENT_ERROR, _SERVER_ERROR = 2, 3, 4, 5
_DELTA = "assistant_message.content_part.text_delta"
_PART_ADDED = "assistant_message.content_part.added"
_BODY_SHOWN = 200
_TYPES_SHOWN = 8


class Failure(StrEnum):
    """Why a response is incomplete."""

    NO_CONNECTION = "no connection"
    NO_TLS = "no TLS"
    """No secure connection, such as for a certificate that is not trusted."""
    CUT_OFF = "cut off"
    """The server closed the connection in the middle of the response, as after an exception."""
    STALLED = "stalled"
    """A time limit ended the wait: for the next byte, or for the end of the response."""
    TOO_LARGE = "too large"
    """The response exceeded a limit on bytes or events."""
    UNREADABLE = "unreadable"
    """What arrived is not HTTP, or not in the encoding that its headers name."""


@dataclass(slots=True)
class Exchange:
    """One request and its response, valid or not.

    Attributes:
        sent: The request in one line, for reports; never contains a header's value.
        operation: Such as `threads.list`; empty for any other body.
        status: HTTP status; 0 if no response began.
        headers: Response headers, names in lower case; repeated ones joined by a comma.
        body: The response body; only its beginning if it exceeded the client's limit.
        size: How many bytes of it arrived.
        events: The stream's events, in order.
        framing_errors: What is wrong with the framing of the events.
        event_names: The names that `event:` lines give to events.
        error: Why the response is incomplete, for reports; empty if it is complete.
        failure: The kind of `error`; None if the response is complete.
        advice: What the caller can do about `error`, if that is known.
        stopped: Whether the client closed the connection on purpose.
        seconds: From sending the request to the end of the response.
    """

    sent: str
    operation: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    events: list[Event] = field(default_factory=list)
    framing_errors: list[str] = field(default_factory=list)
    event_names: list[str] = field(default_factory=list)
    error: str = ""
    failure: Failure | None = None
    advice: str = ""
    stopped: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the response is complete and its status is 200 to 299."""
        return self.is_success and not self.error

    @property
    def is_success(self) -> bool:
        """Whether the status is 200 to 299, even if the response is incomplete."""
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
    def is_refusal(self) -> bool:
        """Whether the server has too much to do, and did nothing: RFC 6585 and RFC 9110."""
        return self.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

    @property
    def is_growing(self) -> bool:
        """Whether the answer still grew at the end: a text or a task changed in its last third."""
        changes = [one.elapsed for one in self.events if one.type == "thread.item.updated"]
        return bool(changes) and changes[-1] > self.seconds * 2 / 3

    @property
    def server_failed(self) -> bool:
        """Whether the server raised an error: a 5xx, or a success cut off in the middle."""
        return self.is_server_error or (self.is_success and self.failure is Failure.CUT_OFF)

    @property
    def content_type(self) -> str:
        """The response's media type, in lower case and without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        """The body as JSON; None if it is not JSON, or not all of it."""
        if self.failure is Failure.TOO_LARGE:
            return None
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    @property
    def thread_id(self) -> str | None:
        """Id of the thread that the request created or wrote to, if the response has it."""
        for event in self.events_of_type("thread.created"):
            if thread_id := text_at(event, "thread", "id"):
                return thread_id
        for item in self.items:
            if thread_id := text_at(item, "thread_id"):
                return thread_id
        return None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items in `thread.item.done` events, in order."""
        return [
            item
            for event in self.events_of_type("thread.item.done")
            if isinstance(item := event.get("item"), dict)
        ]

    @property
    def user_messages(self) -> list[dict[str, Any]]:
        """The items that are the user's messages."""
        return [item for item in self.items if item.get("type") == "user_message"]

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The items that are neither user messages nor end-of-turn markers."""
        return [
            item for item in self.items if item.get("type") not in ("user_message", "end_of_turn")
        ]

    @property
    def text(self) -> str:
        """The text of the assistant's finished messages."""
        return "\n".join(
            item_text(item) for item in self.items if item.get("type") == "assistant_message"
        )

    @property
    def deltas(self) -> list[str]:
        """The text deltas of all messages and content parts, in order."""
        return [piece for _, _, piece in self.text_pieces]

    @property
    def text_pieces(self) -> list[tuple[str, int, str]]:
        """Item id, content index and text of every text delta, in order."""
        pieces = []
        for event in self.events_of_type("thread.item.updated"):
            kind, index = dig(event, "update", "type"), dig(event, "update", "content_index")
            piece = dig(event, "update", "delta") if kind == _DELTA else None
            if kind == _PART_ADDED:
                piece = dig(event, "update", "content", "text")
            if isinstance(piece, str) and piece:
                pieces.append((str(event.get("item_id")), index if _is_int(index) else 0, piece))
        return pieces

    @property
    def got(self) -> str:
        """The response in one line, for reports."""
        parts = [str(self.status) if self.status else "no response"]
        if self.status and self.content_type:
            parts.append(self.content_type)
        if self.events:
            plural = "s" if len(self.events) > 1 else ""
            parts.append(f"{len(self.events)} event{plural}: {self._event_types()}")
        elif self.status:
            parts.append(
                shorten(self.body[:2000].decode("utf-8", "replace"), _BODY_SHOWN) or "empty body"
            )
        if self.error:
            parts.append(self.error)
        return ", ".join(parts)

    def events_of_type(self, name: str) -> list[dict[str, Any]]:
        """Return the data of the events of one type."""
        return [event.data for event in self.events if event.type == name]

    def _event_types(self) -> str:
        names = [event.type or "(no type)" for event in self.events]
        shown = list(dict.fromkeys(names))
        more = " …" if len(shown) > _TYPES_SHOWN else ""
        return shorten(", ".join(shown[:_TYPES_SHOWN]), 300) + more


def dig(value: Any, *path: str | int) -> Any:
    """Follow keys and indexes into JSON; return None if the path ends early."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: Any, *path: str | int) -> str | None:
    """Follow a path to a non-empty string; return None if there is none."""
    found = dig(value, *path)
    return found if isinstance(found, str) and found else None


def rows(value: Any, *path: str | int) -> list[dict[str, Any]]:
    """Follow a path to a list and return its objects; empty if there is no list."""
    found = dig(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def ids(values: list[dict[str, Any]]) -> list[str]:
    """Return the ids of threads or items, in order; empty strings for missing ids."""
    return [text_at(value, "id") or "" for value in values]


def item_text(item: dict[str, Any]) -> str:
    """Return the text of a user's or an assistant's message, all parts joined."""
    return "".join(text for part in rows(item, "content") if (text := text_at(part, "text")))


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
