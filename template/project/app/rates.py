"""Limits how often something may be done, such as sending a message."""

import ipaddress
import math
import time
from typing import NoReturn

import limits
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from app.common_settings import CommonSettings
from app.errors import ApiError

_IPV6_NETWORK_BITS = 64
"""A client can choose among all addresses of its network, which has this prefix."""


class RateLimit:
    """Counts events by key, such as messages by user.

    Args:
        rate: How many are allowed, such as `60/minute`; `0` for any number.
        counters: Where to count.
        scope: Separates this limit from others that are counted in the same place.
        things: What is counted, for the error.
    """

    def __init__(self, rate: str, counters: Storage, scope: str, things: str = "requests") -> None:
        self._rates = parse_rates(rate)
        self._limiter = FixedWindowRateLimiter(counters)
        self._scope = scope
        self._things = things

    async def count(self, key: str) -> None:
        """Count an event.

        Raises:
            ApiError: 429, it is one too many.
        """
        for rate in self._rates:
            if not await self._limiter.hit(rate, self._scope, key):
                await self._refuse(rate, key)

    async def check(self, key: str) -> None:
        """Count nothing, but refuse what could not be counted any more.

        Raises:
            ApiError: 429, the limit is reached.
        """
        for rate in self._rates:
            if not await self._limiter.test(rate, self._scope, key):
                await self._refuse(rate, key)

    async def forget(self, key: str) -> None:
        """Begin to count anew."""
        for rate in self._rates:
            await self._limiter.clear(rate, self._scope, key)

    async def _refuse(self, rate: limits.RateLimitItem, key: str) -> NoReturn:
        stats = await self._limiter.get_window_stats(rate, self._scope, key)
        seconds = max(math.ceil(stats.reset_time - time.time()), 1)
        raise ApiError(
            429,
            f"too_many_{self._things}",
            f"Too many {self._things}; try again in {seconds} seconds.",
            {"Retry-After": str(seconds)},
        )


class MessageLimits:
    """Counts messages, and refuses those above `RATE_LIMIT` and `ADDRESS_RATE_LIMIT`.

    Args:
        settings: The limits.
        counters: Where to count.
    """

    def __init__(self, settings: CommonSettings, counters: Storage) -> None:
        self._per_user = RateLimit(settings.rate_limit, counters, "user", "messages")
        self._per_address = RateLimit(settings.address_rate_limit, counters, "address", "messages")

    async def count(self, user_id: str, address: str | None) -> None:
        """Count a message.

        Raises:
            ApiError: 429, it is one too many.
        """
        await self._per_user.count(user_id)
        # Last, so that what a user sends in vain is not counted for others at the address.
        if address is not None:
            await self._per_address.count(network_of(address))


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
