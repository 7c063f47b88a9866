"""Counts messages for rate limits, together with all other processes."""

import time
from hashlib import sha256

from limits.aio.storage import Storage
from sqlalchemy import Column, DateTime, Integer, String, Table

from app.base import StoreUnavailableError
from app.database.interface import Database
from app.database.tables import metadata

_CLEANING = 60.0
"""Seconds between two deletions of counters that have expired."""

# UNLOGGED: not written to the disk. A server that crashes begins to count anew.
counters = Table(
    "counters",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

_ADD = """
INSERT INTO counters AS stored (key, hits, expires_at)
VALUES (%(key)s, %(amount)s, now() + make_interval(secs => %(expiry)s))
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN stored.expires_at > now() THEN stored.hits ELSE 0 END + excluded.hits,
  expires_at = CASE WHEN stored.expires_at > now() THEN stored.expires_at
    ELSE excluded.expires_at END
RETURNING hits
"""
_GET = """
SELECT hits, extract(epoch FROM expires_at)::float8 FROM counters
WHERE key = %(key)s AND expires_at > now()
"""
_CLEAR = "DELETE FROM counters WHERE key = %(key)s"
_CLEAN = "DELETE FROM counters WHERE expires_at <= now()"
_RESET = "WITH gone AS (DELETE FROM counters RETURNING 1) SELECT count(*) FROM gone"


class Counters(Storage):
    """Counts in fixed windows, each of which begins with the first hit.

    The window is the server's: the clocks of several machines can differ.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._clean_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a method raises while the database cannot be used."""
        return StoreUnavailableError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter and return it; one that has expired begins again with *amount*."""
        await self._clean()
        values = {"key": _digest(key), "expiry": expiry, "amount": amount}
        [(hits,)] = await self._database.write(_ADD, values)
        return int(hits)

    async def get(self, key: str) -> int:
        """Return a counter; 0 if there is none."""
        rows = await self._database.read(_GET, {"key": _digest(key)})
        return int(rows[0][0]) if rows else 0

    async def get_expiry(self, key: str) -> float:
        """Return when a counter expires, as a Unix time; now if there is none."""
        rows = await self._database.read(_GET, {"key": _digest(key)})
        return float(rows[0][1]) if rows else time.time()

    async def check(self) -> bool:
        """Return whether the database can be used."""
        try:
            await self._database.ping()
        except StoreUnavailableError:
            return False
        return True

    async def reset(self) -> int | None:
        """Delete all counters and return how many there were."""
        [(number,)] = await self._database.write(_RESET, {})
        return int(number)

    async def clear(self, key: str) -> None:
        """Delete a counter."""
        await self._database.write(_CLEAR, {"key": _digest(key)})

    async def _clean(self) -> None:
        """Delete the counters that have expired, once in a while."""
        if time.monotonic() >= self._clean_at:
            self._clean_at = time.monotonic() + _CLEANING
            await self._database.write(_CLEAN, {})


def _digest(key: str) -> str:
    """Return a key of limited length; it also keeps users and addresses out of the table."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()
