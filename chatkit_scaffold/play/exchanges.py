"""The exchanges of a session: their numbers, and what is kept of them."""

import asyncio
from collections import OrderedDict
from typing import Any

_KEPT = 500
"""How many summaries are kept; the page has its own record of everything."""

Summary = dict[str, Any]
"""An exchange for the page, without its body and headers."""


class Exchanges:
    """Summaries of the last exchanges, by their number."""

    def __init__(self) -> None:
        self._summaries: OrderedDict[int, asyncio.Future[Summary]] = OrderedDict()
        self._ended: set[int] = set()
        self._count = 0

    def begin(self) -> int:
        """Return the number of a new exchange."""
        self._count += 1
        self._summaries[self._count] = asyncio.get_running_loop().create_future()
        while len(self._summaries) > _KEPT:
            number, _ = self._summaries.popitem(last=False)
            self._ended.discard(number)
        return self._count

    def end(self, number: int) -> None:
        """Note that the response of an exchange is complete, and is being judged."""
        if number in self._summaries:
            self._ended.add(number)

    def finish(self, number: int, summary: Summary) -> None:
        """Keep the summary of an exchange."""
        self.end(number)
        if (future := self._summaries.get(number)) and not future.done():
            future.set_result(summary)

    async def summary(self, number: int) -> Summary | None:
        """Return a summary, once the exchange is judged; None if it is unknown or still runs."""
        future = self._summaries.get(number)
        if future is None or number not in self._ended:
            return None
        return await asyncio.shield(future)
