"""Waits for a server that limits requests, and slows down for the rest of a run."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import InconclusiveError

_RESENDS = 3
_FIRST_WAIT = 0.5
"""Seconds to wait if the server does not say; doubled each time."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two requests once the server has refused one."""
_MOST_DIGITS = 9


class Pace:
    """The pace of a run, which all of its users share.

    Only a request that the server refused is sent again: it had no effect.

    Args:
        timeout: The run's time limit; a wait takes at most twice as long, all waits together
            at most four times.
    """

    def __init__(self, timeout: float) -> None:
        self._longest_wait = 2 * timeout
        self._seconds_left = 4 * timeout
        self._next_turn = 0.0
        self._pause = 0.0
        self._queue = asyncio.Lock()
        self._stubborn: set[str] = set()
        """Operations that were refused as often as they may be sent."""
        self._closed: dict[str, tuple[float, str]] = {}
        """By operation: until when the server refuses it, and why it is not sent."""

    async def turn(self, operation: str) -> None:
        """Wait until a request may be sent.

        Raises:
            InconclusiveError: The server has asked to wait longer than a run does.
        """
        until, reason = self._closed.get(operation, (0.0, ""))
        if time.monotonic() < until:
            raise InconclusiveError(reason)
        async with self._queue:
            await asyncio.sleep(max(0.0, self._next_turn - time.monotonic()))
            self._next_turn = time.monotonic() + self._pause

    def accepted(self, operation: str) -> None:
        """Note that the server has not refused an operation."""
        self._stubborn.discard(operation)

    def allows_another(self, refused: Exchange, attempt: int) -> bool:
        """Return whether to send a refused request again, at the next turn.

        Args:
            refused: The server's refusal.
            attempt: How often the request was sent again before.
        """
        operation, asked = refused.operation, retry_after(refused.headers)
        if operation in self._stubborn or attempt == _RESENDS:
            self._stubborn.add(operation)
            return False
        now = time.monotonic()
        turn = now + (_FIRST_WAIT * 2**attempt if asked is None else asked)
        # Parallel requests wait at the same time.
        added = turn - max(now, min(self._next_turn, turn))
        if turn - now > self._longest_wait or added > self._seconds_left:
            self._closed[operation] = turn, rate_limited(refused)
            return False
        self._seconds_left -= added
        self._next_turn = max(self._next_turn, turn)
        self._pause = min(max(2 * self._pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        return True


def rate_limited(refused: Exchange) -> str:
    """Return why a refused request has no verdict."""
    unavailable = " or unavailable" if refused.is_server_error else ""
    return f"rate limited{unavailable} (status {refused.status})"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in `Retry-After`, which may be a date; None if it has neither.

    Source: RFC 9110, section 10.2.3.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:_MOST_DIGITS])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
