"""What a user has done so far, from which follows how the checks see the next exchange.

A warning must be true. So only requests are judged that the official client sends as well, and
only if nothing else explains the response: a request that was edited may deserve its error.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from chatkit_scaffold.conformance import views as seen
from chatkit_scaffold.conformance.views import UNRECORDED, View
from chatkit_scaffold.protocol.client import STREAMING
from chatkit_scaffold.protocol.exchange import Exchange, Failure, dig, ids, item_text, rows, text_at

_THREADS = 50
_LARGEST = 300_000
"""Bytes of a response that is kept to judge later ones."""
_LONGEST_TEXT = 8_000
"""Characters; a server may refuse a longer message."""
_USUAL_LIMIT = 20
_TURNS_IN_FULL = 2
"""How many turns of a thread the checks know."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CREDENTIALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_NO_REASON_TO_REFUSE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
"""What a server does not answer to an ordinary message, whatever it limits."""
_HARMLESS = frozenset(
    {"threads.get_by_id", "threads.list", "threads.update", "items.list", "items.feedback"}
)
"""Operations that leave the items of a thread as they are."""


@dataclass(slots=True)
class _Thread:
    """A thread that was created in this session.

    Attributes:
        turns: Its turns, the first one first.
        running: How many operations that may change it have not ended.
        is_plain: Whether nothing but its turns has changed it, each of them complete.
    """

    turns: list[Exchange] = field(default_factory=list)
    running: int = 0
    is_plain: bool = True

    def texts_differ(self) -> bool:
        """Return whether no message was sent twice, as those of the checks are not."""
        texts = [item_text(message) for turn in self.turns for message in turn.user_messages]
        return len(set(texts)) == len(texts)


class History:
    """What one user has done so far."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, _Thread] = OrderedDict()
        self._messages: dict[str, str] = {}
        """The last message of each thread."""
        self._listed: Exchange = UNRECORDED
        """The last list of threads that was complete."""
        self._simplest: Exchange = UNRECORDED
        """The last list of threads, whatever its response was."""

    def begin(self, request: dict[str, Any]) -> None:
        """Note that a request is sent."""
        thread = self._threads.get(str(dig(request, "params", "thread_id")))
        if thread and request.get("type") not in _HARMLESS:
            thread.running += 1

    def views(self, request: dict[str, Any], exchange: Exchange) -> list[View]:
        """Return how the checks see an exchange that has ended; none if it is not to be judged."""
        if _is_inconclusive(exchange):
            return []
        views: list[View] = [seen.as_anything]
        missing = exchange.status == HTTPStatus.NOT_FOUND
        if missing and isinstance(dig(request, "params", "thread_id"), str):
            # A backend that keeps threads in memory may have been restarted.
            return views
        match request.get("type"):
            case "threads.list" if _may_judge_list(request, exchange):
                views.append(seen.as_probe)
            case "threads.create" if _may_judge_turn(request, exchange):
                views.append(seen.as_first_turn(self._listed, self._simplest))
            case "threads.add_user_message" if _may_judge_turn(request, exchange):
                views.extend(self._later_turn(request, exchange))
            case "threads.retry_after_item":
                views.extend(self._retry(request, exchange))
            case "threads.get_by_id":
                views.extend(self._read(request))
            case name if name in STREAMING and exchange.is_success:
                views.append(seen.as_stream)
        return views

    def end(self, request: dict[str, Any], exchange: Exchange) -> None:
        """Remember what the next exchanges are judged by."""
        operation, thread_id = request.get("type"), str(dig(request, "params", "thread_id"))
        is_small = exchange.size <= _LARGEST
        if _may_judge_list(request, exchange) and is_small and not _is_inconclusive(exchange):
            self._simplest = exchange
            self._listed = exchange if exchange.ok else self._listed
        if operation == "threads.create" and exchange.thread_id:
            thread_id = exchange.thread_id
            self._threads[thread_id] = _Thread(running=1)
        if operation == "threads.delete":
            self._threads.pop(thread_id, None)
        thread = self._threads.get(thread_id)
        if message := ids(exchange.user_messages)[-1:]:
            self._messages[thread_id] = message[0]
        if thread and operation not in _HARMLESS:
            thread.running -= 1
            is_turn = operation in ("threads.create", "threads.add_user_message")
            if is_turn and exchange.ok and not exchange.stopped and is_small:
                thread.turns.append(exchange)
            else:
                thread.is_plain = False
        self._forget()

    def _later_turn(self, request: dict[str, Any], exchange: Exchange) -> list[View]:
        thread_id = str(dig(request, "params", "thread_id"))
        thread = self._threads.get(thread_id)
        # In any other thread, an error may have a reason that was not recorded.
        if thread is None or thread.running > 1:
            return []
        views: list[View] = []
        if not exchange.is_client_error:
            views.append(seen.as_later_turn(thread_id, self._listed, self._simplest))
        if thread.is_plain and len(thread.turns) == 1:
            views.append(seen.as_second_turn(thread.turns[0], thread_id))
        return views

    def _retry(self, request: dict[str, Any], exchange: Exchange) -> list[View]:
        thread_id = str(dig(request, "params", "thread_id"))
        message = text_at(request, "params", "item_id")
        thread = self._threads.get(thread_id)
        is_last = message is not None and self._messages.get(thread_id) == message
        if message is None or not is_last or thread is None or thread.running > 1:
            return []
        if exchange.is_client_error and exchange.status not in _NO_REASON_TO_REFUSE:
            return []
        if not exchange.events:
            return [seen.as_retry(message)]
        later = seen.as_later_turn(thread_id, self._listed, self._simplest, has_message=False)
        return [seen.as_retry(message), later]

    def _read(self, request: dict[str, Any]) -> list[View]:
        thread_id = str(dig(request, "params", "thread_id"))
        thread = self._threads.get(thread_id)
        if thread is None or thread.running or not (thread.is_plain and thread.texts_differ()):
            return []
        if not 0 < len(thread.turns) <= _TURNS_IN_FULL:
            return []
        return [seen.as_read_after(thread.turns, thread_id)]

    def _forget(self) -> None:
        while len(self._threads) > _THREADS:
            self._threads.popitem(last=False)
        while len(self._messages) > _THREADS:
            del self._messages[next(iter(self._messages))]


def _is_inconclusive(exchange: Exchange) -> bool:
    """Return whether an exchange shows nothing, as in a run of `check`."""
    is_refused = exchange.status in _CREDENTIALS or exchange.is_refusal
    is_partial = exchange.stopped or exchange.failure is Failure.TOO_LARGE
    return is_refused or is_partial or not exchange.status


def _is_plain_list(request: dict[str, Any]) -> bool:
    """Return whether a request lists threads as the client does, from the first one on."""
    params = request.get("params")
    if request.get("type") != "threads.list":
        return False
    if not isinstance(params, dict) or set(params) - {"limit", "order"}:
        return False
    limit = params.get("limit", 1)
    is_number = isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    return is_number and params.get("order", "desc") in ("asc", "desc")


def _may_judge_list(request: dict[str, Any], exchange: Exchange) -> bool:
    """Return whether a list of threads is one that no server refuses."""
    limit = dig(request, "params", "limit") or 1
    is_refused = exchange.is_client_error and exchange.status != HTTPStatus.NOT_FOUND
    return _is_plain_list(request) and not (is_refused and limit > _USUAL_LIMIT)


def _may_judge_turn(request: dict[str, Any], exchange: Exchange) -> bool:
    """Return whether a request has an ordinary message, and no limit explains its response."""
    message = dig(request, "params", "input")
    if exchange.is_client_error and exchange.status not in _NO_REASON_TO_REFUSE:
        return False
    content = rows(message, "content")
    text = item_text({"content": content})
    is_text = all(part.get("type") == "input_text" for part in content) and text.strip()
    extras = dig(message, "attachments") or dig(message, "inference_options")
    quoted = dig(message, "quoted_text")
    is_quoted = quoted in (None, "") or isinstance(quoted, str)
    is_ordinary = len(text) <= _LONGEST_TEXT and not _CONTROL.search(text)
    if extras and (not exchange.ok or exchange.events_of_type("error")):
        return False
    return bool(is_text and is_ordinary and is_quoted)
