"""Lets one process at a time answer in a thread, whatever the number of processes.

A lease is an entry of the store that its holder renews and deletes. A lock that belongs to a
connection would need one for the whole turn, and would end with it.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from app.base import StoreUnavailableError

LIFETIME = 8.0
"""After how many seconds without renewal another process may answer in the thread.

With the pauses between its attempts, it waits for a crashed process for less than 10 seconds.
"""
RENEWAL = 2.5
"""Seconds between two renewals."""
INTERRUPTED = "The turn was interrupted for too long."
"""Why a turn that has lost its lease cannot write."""
_LONGEST_PAUSE = 0.25
"""Most seconds between two attempts to get a lease."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Lease:
    """The right to answer in a thread.

    Attributes:
        valid_until: When it ends unless it is renewed, on this process's clock. It is set from
            the time before the store was asked, so it never ends later than in the store.
        lost: Whether another process has got it, or may have.
    """

    thread_id: str
    holder: str = field(default_factory=lambda: secrets.token_hex(16))
    valid_until: float = 0.0
    lost: bool = False

    @property
    def valid(self) -> bool:
        """Whether no other process can have the lease."""
        return not self.lost and time.monotonic() < self.valid_until


class LeaseKeeper(Protocol):
    """Keeps the leases of all processes, by the store's clock: those of machines can differ.

    Every method raises `StoreUnavailableError` if the store cannot be used.
    """

    async def acquire(self, lease: Lease) -> bool:
        """Grant a lease for `LIFETIME`, unless another holder's has not ended; return whether."""
        ...

    async def renew(self, leases: Sequence[Lease]) -> Collection[str]:
        """Let leases begin anew; return the holders that still had theirs, ended or not."""
        ...

    async def release(self, lease: Lease) -> None:
        """Delete a lease, if its holder still has it."""
        ...


_current: ContextVar[Lease | None] = ContextVar("lease", default=None)
"""The lease of the turn that runs in this task, or in the task that has created it."""


class Leases:
    """The leases of this process, which are renewed together."""

    def __init__(self, keeper: LeaseKeeper) -> None:
        self._keeper = keeper
        self._held: dict[str, Lease] = {}

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Renew the leases in the background."""
        task = asyncio.create_task(self._renew_forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    @asynccontextmanager
    async def hold(self, thread_id: str) -> AsyncIterator[None]:
        """Wait until no other turn runs in the thread, then keep others out.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        lease = Lease(thread_id)
        try:
            await self._acquire(lease)
        except asyncio.CancelledError:
            await self._release(lease)  # It may just have been granted.
            raise
        self._held[lease.holder] = lease
        _current.set(lease)
        try:
            yield
        finally:
            del self._held[lease.holder]
            await self._release(lease)

    async def require(self) -> Lease | None:
        """Return the lease of the running turn, if there is one, which it still has.

        It can lose it if this process or its machine stands still for longer than `LIFETIME`.

        Raises:
            StoreUnavailableError: Another process may have answered in the thread since.
        """
        lease = _current.get()
        if lease is None or lease.holder not in self._held:
            return None
        if not lease.valid:
            await self._renew()
        if not lease.valid:
            raise StoreUnavailableError(INTERRUPTED)
        return lease

    async def _acquire(self, lease: Lease) -> None:
        pause = 0.02
        while True:
            begun = time.monotonic()
            if await self._keeper.acquire(lease):
                lease.valid_until = begun + LIFETIME
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 # nosec B311 # not a secret
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _release(self, lease: Lease) -> None:
        with suppress(StoreUnavailableError):  # It ends by itself.
            await self._keeper.release(lease)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            with suppress(StoreUnavailableError):
                await self._renew()

    async def _renew(self) -> None:
        leases = [lease for lease in self._held.values() if not lease.lost]
        if not leases:
            return
        begun = time.monotonic()
        renewed = await self._keeper.renew(leases)
        for lease in leases:
            if lease.holder in renewed:
                lease.valid_until = begun + LIFETIME
            elif lease.holder in self._held:
                lease.lost = True
                log.warning("turn lost its lease", thread=lease.thread_id)
