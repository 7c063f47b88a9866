"""Keeps the issuer's keys: loads them when they are needed, and not more often than that."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Self

import jwt

from app.issuer import IssuerError
from app.logs import RepeatedWarning

SEARCH_INTERVAL = 10.0
"""Seconds between two loads for the sake of keys that are not there; anyone can name such a key."""

RETRY_INTERVAL = 2.0
"""Seconds from a failed load to the next one."""

FRESH = 600.0
"""Seconds for which keys are used without asking again: a removed key then stops working."""

STALE = 86_400.0
"""Seconds for which they are used while the issuer does not answer."""


class IssuerUnavailableError(Exception):
    """A token cannot be judged, because the issuer does not answer.

    Args:
        retry_after: Seconds until the next load.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__("the issuer does not answer")
        self.retry_after = retry_after


class IssuerKeys:
    """The keys of one issuer, loaded in the background as soon as the block is entered.

    Args:
        load: Loads the keys.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[list[jwt.PyJWK]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._loaded = -math.inf
        self._failing = False
        self._next_search = -math.inf
        self._loading: asyncio.Task[None] | None = None
        self._failures = RepeatedWarning("issuer failed")

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)

    async def find(self, algorithm: str, kid: str | None) -> jwt.PyJWK | None:
        """Return the key for a token, or None if the issuer has none.

        Args:
            algorithm: The token's `alg`.
            kid: The token's `kid`; without one, there must be one key for the algorithm.

        Raises:
            IssuerUnavailableError: There is none so far, and the issuer does not answer.
        """
        await self._renew()
        key = self._fitting(algorithm, kid)
        if key is None and (self._is_loading() or self._clock() >= self._next_search):
            if self._keys and not self._failing:
                self._next_search = self._clock() + SEARCH_INTERVAL
            await self._refresh()
            key = self._fitting(algorithm, kid)
        if key is None and self._failing:
            wait = max(self._next_search - self._clock(), 1)
            raise IssuerUnavailableError(math.ceil(wait))
        return key

    def _fitting(self, algorithm: str, kid: str | None) -> jwt.PyJWK | None:
        keys = [key for key in self._keys if key.algorithm_name == algorithm]
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.key_id == kid), None)

    async def _renew(self) -> None:
        """Load old keys again; requests wait for it, unless the issuer is known not to answer."""
        age = self._clock() - self._loaded
        if not self._keys or age < FRESH:
            return
        if age >= STALE:
            self._keys = []
        elif not self._failing:
            await self._refresh()
        elif self._clock() >= self._next_search:
            self._start()

    async def _refresh(self) -> None:
        """Wait until the keys are loaded, or the load has failed."""
        # Shielded: others may wait for the same load when this request is cancelled.
        await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[None]:
        """Start to load the keys, unless they are being loaded."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_once())
        return self._loading

    def _is_loading(self) -> bool:
        return self._loading is not None and not self._loading.done()

    async def _load_once(self) -> None:
        try:
            self._keys = await self._load()
        except IssuerError as error:
            self._failing = True
            self._next_search = self._clock() + RETRY_INTERVAL
            self._failures.log(str(error))
        else:
            self._failing = False
            self._loaded = self._clock()
