"""Keeps the leases of turns in a table.

A session's lock on the server would need a connection for the whole turn, and poolers such as
PgBouncer do not keep one.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Column, DateTime, String, Table

from app.database.interface import Database, Parameters, Rows
from app.database.tables import ID_LENGTH, metadata
from app.leases import LIFETIME, Lease, Leases

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


class LeaseTable:
    """Keeps leases, each operation in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, lease: Lease) -> bool:
        """Grant a lease, unless another holder's has not ended; return whether."""
        return bool(await self._database.write(_ACQUIRE, _key(lease)))

    async def renew(self, leases: Sequence[Lease]) -> Collection[str]:
        """Let leases begin anew; return the holders that still had theirs."""
        keys = {
            "leased": [lease.thread_id for lease in leases],
            "holder": [lease.holder for lease in leases],
            "lifetime": LIFETIME,
        }
        return {holder for (holder,) in await self._database.write(_RENEW, keys)}

    async def release(self, lease: Lease) -> None:
        """Delete a lease, if its holder still has it."""
        await self._database.write(_RELEASE, _key(lease))


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
