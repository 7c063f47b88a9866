"""Limits how many messages a user and an address may send."""

import ipaddress
import math
import time

import limits
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from app.common_settings import CommonSettings
from app.errors import ApiError

_IPV6_NETWORK_BITS = 64
"""A client can choose among all addresses of its network, which has this prefix."""


class MessageLimits:
    """Counts messages, and refuses those above `RATE_LIMIT` and `ADDRESS_RATE_LIMIT`.

    Args:
        settings: The limits.
        counters: Where to count.
    """

    def __init__(self, settings: CommonSettings, counters: Storage) -> None:
        self._limiter = FixedWindowRateLimiter(counters)
        self._per_user = parse_rates(settings.rate_limit)
        self._per_address = parse_rates(settings.address_rate_limit)

    async def count(self, user_id: str, address: str | None) -> None:
        """Count a message.

        Raises:
            ApiError: 429, it is one too many.
        """
        for rate in self._per_user:
            await self._hit(rate, "user", user_id)
        # Last, so that what a user sends in vain is not counted for others at the address.
        if address is not None and self._per_address:
            network = network_of(address)
            for rate in self._per_address:
                await self._hit(rate, "address", network)

    async def _hit(self, rate: limits.RateLimitItem, kind: str, key: str) -> None:
        if await self._limiter.hit(rate, kind, key):
            return
        stats = await self._limiter.get_window_stats(rate, kind, key)
        seconds = max(math.ceil(stats.reset_time - time.time()), 1)
        raise ApiError(
            429,
            "too_many_messages",
            f"Too many messages; try again in {seconds} seconds.",
            {"Retry-After": str(seconds)},
        )


def parse_rates(text: str) -> list[limits.RateLimitItem]:
    """Return the rates in *text*, such as `60/minute`; none for `0`."""
    return [] if text == "0" else limits.parse_many(text)


def network_of(address: str) -> str:
    """Return what one client's addresses have in common."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK_BITS), strict=False))
