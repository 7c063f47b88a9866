"""Counts how long a server keeps a run waiting, so that the run ends soon on one that hangs."""

import time

from chatkit_scaffold.protocol.exchange import Exchange, Failure
from chatkit_scaffold.protocol.limits import InconclusiveError, LimitReachedError

_FULL_WAITS = 2
"""After this many, the run hurries."""
_HURRY = 0.25
"""Share of the time limit in which a response must then be complete."""
_NEARLY = 0.9
"""Share of the time limit that counts as all of it: clocks are not exact."""


class Patience:
    """How long a run waits for responses that never complete.

    Such a wait lasts as long as the time limit, or twice that if a stream goes on. When the run
    has waited for twice the limit, it still sends requests, but ends at the first response that
    is not quick. So a server that is slow everywhere gets a verdict within three time limits,
    and one on which a few operations hang is tested in all others.

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

    @property
    def hurried(self) -> bool:
        """Whether the run has waited for so long that it now ends at the next wait."""
        return self._seconds >= _FULL_WAITS * self._timeout * _NEARLY

    def limit(self, seconds: float) -> float:
        """Return how long the next exchange may take, which is *seconds* unless in a hurry."""
        return min(seconds, self._timeout * _HURRY) if self.hurried else seconds

    def count(self, exchange: Exchange, *, hurried: bool) -> None:
        """Count the time for which an exchange has kept the run waiting.

        Args:
            exchange: One that just ended.
            hurried: Whether the run was in a hurry when it began.

        Raises:
            LimitReachedError: It was not quick, and the run is in a hurry.
            InconclusiveError: It was an answer that needs more time.
        """
        if exchange.failure not in (Failure.STALLED, Failure.NO_CONNECTION):
            return
        if hurried:
            raise LimitReachedError(
                f"the server kept it waiting for {self._seconds + exchange.seconds:.3g} s"
            )
        if exchange.seconds < self._timeout * _NEARLY:
            return
        self._add(exchange.seconds)
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
