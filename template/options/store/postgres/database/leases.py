"""Lets one process at a time answer in a thread, whatever the number of processes.

A lease is a row that its holder renews and deletes. A session's lock on the server would need a
connection for the whole turn, and poolers such as PgBouncer do not keep one.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Column, DateTime, String, Table

from app.base import StoreUnavailableError
from app.database.interface import Database, Parameters, Rows
from app.database.queries import valid_id
from app.database.tables import ID_LENGTH, metadata

LIFETIME = 8.0
"""After how many seconds without renewal another process may answer in the thread.

With the pauses between its attempts, it waits for a crashed process for less than 10 seconds.
"""
RENEWAL = 2.5
"""Seconds between two renewals."""
_LONGEST_PAUSE = 0.25
"""Most seconds between two attempts to get a lease."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()

# UNLOGGED: a lease is not written to the disk, so it costs little. A server that crashes
# forgets all leases, and turns whose lease is gone cannot write.
turn_leases = Table(
    "turn_leases",
    metadata,
    Column("thread_id", String(ID_LENGTH), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

# The clock is the server's: those of several machines can differ.
_ACQUIRE = """
INSERT INTO turn_leases (thread_id, holder, expires_at)
VALUES (%(leased)s, %(holder)s, clock_timestamp() + make_interval(secs => %(lifetime)s))
ON CONFLICT (thread_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE turn_leases.holder = excluded.holder OR turn_leases.expires_at < clock_timestamp()
RETURNING holder
"""
_RENEW = """
UPDATE turn_leases SET expires_at = clock_timestamp() + make_interval(secs => %(lifetime)s)
WHERE thread_id = ANY(%(leased)s) AND holder = ANY(%(holder)s)
RETURNING holder
"""
_RELEASE = "DELETE FROM turn_leases WHERE thread_id = %(leased)s AND holder = %(holder)s"


@dataclass(eq=False, slots=True)
class Lease:
    """The right to answer in a thread.

    Attributes:
        valid_until: When it ends unless it is renewed, on this process's clock. It is set from
            the time before the server was asked, so it never ends later than on the server.
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


_current: ContextVar[Lease | None] = ContextVar("lease", default=None)
"""The lease of the turn that runs in this task, or in the task that has created it."""


class Leases:
    """The leases of this process, which one statement renews together."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
            StoreUnavailableError: The database cannot be used.
        """
        lease = Lease(valid_id(thread_id))
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

    async def require(self) -> None:
        """Return if the running turn, if there is one, still has its lease.

        It can lose it if this process or its machine stands still for longer than `LIFETIME`.

        Raises:
            StoreUnavailableError: Another process may have answered in the thread since.
        """
        lease = _current.get()
        if lease is None or lease.valid or lease.holder not in self._held:
            return
        await self._renew()
        if not lease.valid:
            raise StoreUnavailableError("The turn was interrupted for too long.")

    async def _acquire(self, lease: Lease) -> None:
        pause = 0.02
        while True:
            begun = time.monotonic()
            if await self._database.write(_ACQUIRE, _key(lease)):
                lease.valid_until = begun + LIFETIME
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not a secret
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _release(self, lease: Lease) -> None:
        with suppress(StoreUnavailableError):  # It ends by itself.
            await self._database.write(_RELEASE, _key(lease))

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
        keys = {
            "leased": [lease.thread_id for lease in leases],
            "holder": [lease.holder for lease in leases],
            "lifetime": LIFETIME,
        }
        renewed = {holder for (holder,) in await self._database.write(_RENEW, keys)}
        for lease in leases:
            if lease.holder in renewed:
                lease.valid_until = begun + LIFETIME
            elif lease.holder in self._held:
                lease.lost = True
                log.warning("turn lost its lease", thread=lease.thread_id)


class LeasedDatabase:
    """Refuses to write for a turn that has lost its lease."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases
        self.read = database.read
        self.ping = database.ping

    async def write(self, statement: str, parameters: Parameters) -> Rows:
        """Run a statement, unless another process may have answered in the turn's thread since."""
        await self._leases.require()
        return await self._database.write(statement, parameters)


def _key(lease: Lease) -> Parameters:
    # Not `thread`: writes to a thread wait for one another, and this one needs not wait.
    return {"leased": lease.thread_id, "holder": lease.holder, "lifetime": LIFETIME}
