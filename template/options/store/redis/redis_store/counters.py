"""Counts messages for rate limits, together with all other processes."""

from hashlib import sha256

from limits.aio.storage import RedisStorage, Storage

from app.base import StoreUnavailableError
from app.redis_store.keys import COUNTERS
from app.redis_store.server import RedisServer


class Counters(Storage):
    """The rate limiter's own storage in Redis, on the connections of the store.

    Windows are fixed, and each begins with the first hit.
    """

    STORAGE_SCHEME = None

    def __init__(self, server: RedisServer) -> None:
        super().__init__()
        self._server = server
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=COUNTERS,
            connection_pool=server.pool,  # type: ignore[arg-type] # documented, but not in the types
        )

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a method raises while Redis cannot be used."""
        return StoreUnavailableError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter and return it; one that has expired begins again with *amount*."""
        return await self._server.run(lambda: self._storage.incr(_digest(key), expiry, amount))

    async def get(self, key: str) -> int:
        """Return a counter; 0 if there is none."""
        return await self._server.run(lambda: self._storage.get(_digest(key)))

    async def get_expiry(self, key: str) -> float:
        """Return when a counter expires, as a Unix time; now if there is none."""
        return await self._server.run(lambda: self._storage.get_expiry(_digest(key)))

    async def check(self) -> bool:
        """Return whether Redis can be used."""
        try:
            await self._server.ping()
        except StoreUnavailableError:
            return False
        return True

    async def reset(self) -> int | None:
        """Raise `NotImplementedError`: Redis would have to look at all of its keys."""
        raise NotImplementedError

    async def clear(self, key: str) -> None:
        """Delete a counter."""
        await self._server.run(lambda: self._storage.clear(_digest(key)))


def _digest(key: str) -> str:
    """Return a key of limited length; it also keeps users and addresses out of Redis."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()
