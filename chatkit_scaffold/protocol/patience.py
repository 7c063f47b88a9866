"""Counts how long a server keeps a run waiting, so that the run ends soon on one that hangs."""

import time
from collections import Counter

from chatkit_scaffold.protocol.exchange import Exchange, Failure
from chatkit_scaffold.protocol.limits import InconclusiveError, LimitReachedError

_FULL_WAITS = 2
"""After this many, the run hurries."""
_HURRY = 0.25
"""Share of the time limit in which a response must then be complete."""
_NEARLY = 0.9
"""Share of the time limit that counts as all of it: clocks are not exact."""
_MOST_ENDLESS = 2
"""After this many, an operation is not sent any more."""
_WAITS = (Failure.STALLED, Failure.NO_CONNECTION)


class Patience:
    """How long a run waits for responses that never complete.

    Such a wait lasts as long as the time limit, or twice that if a stream goes on. An operation
    that has kept the run waiting gets little time when it is sent again, and no third chance.
    When the run has waited for twice the limit, all operations get little time, and it ends at
    the next that needs more. So a server that is slow everywhere gets a verdict within three
    time limits, and one on which a few operations hang is tested in all others.

    Args:
        timeout: The run's time limit.

    Attributes:
        waits: How many full-length waits there were; parallel ones count as one.
    """

    def __init__(self, timeout: float) -> None:
        self.waits = 0
        self._timeout = timeout
        self._seconds = 0.0
        self._counted_until = 0.0
        self._endless: Counter[str] = Counter()
        """By operation, how many responses did not end."""

    @property
    def hurried(self) -> bool:
        """Whether the run has waited for so long that it now ends at the next wait."""
        return self._seconds >= _FULL_WAITS * self._timeout * _NEARLY

    def limit(self, operation: str, seconds: float) -> float:
        """Return how long the next exchange may take: *seconds*, or less after long waits.

        Raises:
            InconclusiveError: Too many responses to the operation did not end.
        """
        if operation and self._endless[operation] >= _MOST_ENDLESS:
            raise InconclusiveError(f"{_MOST_ENDLESS} responses to {operation} did not end")
        brief = self.hurried or self._endless[operation]
        return min(seconds, self._timeout * _HURRY) if brief else seconds

    def count(self, exchange: Exchange, within: float) -> None:
        """Count the time for which an exchange has kept the run waiting.

        Args:
            exchange: One that just ended.
            within: What `limit` allowed for it.

        Raises:
            LimitReachedError: It was not quick, and the run is in a hurry.
            InconclusiveError: It had little time, or it was an answer that needs more.
        """
        if exchange.failure is Failure.TOO_LARGE and exchange.events:
            self._endless[exchange.operation] += 1
        full = min(within, self._timeout) * _NEARLY
        if exchange.failure not in _WAITS or exchange.seconds < full:
            return
        known = self._endless[exchange.operation]
        if exchange.operation:
            self._endless[exchange.operation] += 1
        if within >= self._timeout:
            self._add(exchange.seconds)
        elif known:
            raise InconclusiveError(f"{exchange.operation} kept the run waiting before")
        else:
            raise LimitReachedError(f"the server kept it waiting for {self._seconds:.3g} s")
        if exchange.is_growing:
            raise InconclusiveError(
                f"an answer was still growing after {exchange.seconds:.3g} s; raise --timeout"
            )

    def _add(self, seconds: float) -> None:
        now = time.monotonic()
        if now - seconds >= self._counted_until:
            self.waits += 1
        self._seconds += now - max(now - seconds, self._counted_until)
        self._counted_until = now
