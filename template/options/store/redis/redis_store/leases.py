"""Keeps the leases of turns in Redis."""

from collections.abc import Collection, Sequence

from app.leases import LIFETIME, Lease
from app.redis_store.keys import key_of_lease
from app.redis_store.server import RedisServer

_MILLISECONDS = int(LIFETIME * 1000)

# A lease that has ended stays for a while: its holder may go on if nobody else took it.
_GRANT = """
local function grant(key, holder, now, lifetime)
    redis.call('HSET', key, 'holder', holder, 'until', now + lifetime)
    redis.call('PEXPIRE', key, 3600000)
end

local function now()
    local clock = redis.call('TIME')
    return clock[1] * 1000 + math.floor(clock[2] / 1000)
end
"""


def _granting(script: str) -> str:
    return _GRANT + script


# Key: the lease. Arguments: the holder, and milliseconds.
_ACQUIRE = _granting("""
local held = redis.call('HMGET', KEYS[1], 'holder', 'until')
if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) >= now() then return 0 end
grant(KEYS[1], ARGV[1], now(), tonumber(ARGV[2]))
return 1
""")

# Keys: leases. Arguments: their holders, and milliseconds.
_RENEW = _granting("""
local renewed = {}
for place, key in ipairs(KEYS) do
    if redis.call('HGET', key, 'holder') == ARGV[place] then
        grant(key, ARGV[place], now(), tonumber(ARGV[#ARGV]))
        renewed[#renewed + 1] = ARGV[place]
    end
end
return renewed
""")

# Key: the lease. Argument: the holder.
_RELEASE = """
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisLeases:
    """Keeps leases, each operation in one script."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def acquire(self, lease: Lease) -> bool:
        """Grant a lease, unless another holder's has not ended; return whether."""
        key = key_of_lease(lease.thread_id)
        return bool(await self._server.execute(_ACQUIRE, [key], [lease.holder, _MILLISECONDS]))

    async def renew(self, leases: Sequence[Lease]) -> Collection[str]:
        """Let leases begin anew; return the holders that still had theirs."""
        keys = [key_of_lease(lease.thread_id) for lease in leases]
        holders = [lease.holder for lease in leases]
        return set(await self._server.execute(_RENEW, keys, [*holders, _MILLISECONDS]))

    async def release(self, lease: Lease) -> None:
        """Delete a lease, if its holder still has it."""
        await self._server.execute(_RELEASE, [key_of_lease(lease.thread_id)], [lease.holder])
