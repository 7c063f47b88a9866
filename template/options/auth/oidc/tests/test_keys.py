"""The issuer's keys are loaded when a token needs them, and not more often than that."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.issuer import open_issuer
from app.keys import (
    FRESH,
    RETRY_INTERVAL,
    SEARCH_INTERVAL,
    STALE,
    IssuerKeys,
    IssuerUnavailableError,
)
from tests.services.auth import JWKS, LocalIssuer, SigningKey

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of `keys`."""
    return Clock()


@pytest.fixture
async def keys(issuer: LocalIssuer, clock: Clock) -> AsyncIterator[IssuerKeys]:
    """The issuer's keys, which have been loaded once."""
    async with (
        open_issuer(issuer.url, None, allow_http=True) as opened,
        IssuerKeys(opened.load_keys, clock) as keys,
    ):
        await knows(keys, issuer.keys[0])
        yield keys


async def knows(keys: IssuerKeys, key: SigningKey) -> bool:
    """Return whether *key* verifies tokens."""
    return await keys.find(key.algorithm, key.kid) is not None


def loads(issuer: LocalIssuer) -> int:
    """Return how often the issuer's keys were loaded."""
    return issuer.requests.count(JWKS)


async def test_known_keys_are_not_loaded_again(keys: IssuerKeys, issuer: LocalIssuer) -> None:
    """One load serves all tokens."""
    assert [await knows(keys, issuer.keys[0]) for _ in range(20)] == [True] * 20
    assert loads(issuer) == 1


async def test_a_new_key_is_found_at_once(keys: IssuerKeys, issuer: LocalIssuer) -> None:
    """A token with a new `kid` loads the keys; the replaced key is refused from then on."""
    old = issuer.keys[0]
    assert await knows(keys, issuer.rotate("EdDSA"))
    assert not await knows(keys, old)


async def test_invented_keys_do_not_drive_loads(
    keys: IssuerKeys, issuer: LocalIssuer, clock: Clock
) -> None:
    """Whatever tokens name, the keys are loaded once in an interval, and real keys still work."""
    for _ in range(3):
        clock.now += SEARCH_INTERVAL
        invented = [knows(keys, SigningKey("ES256")) for _ in range(50)]
        assert not any(await asyncio.gather(*invented))
        assert await knows(keys, issuer.keys[0])
    assert loads(issuer) == 1 + 3


async def test_requests_at_the_same_time_share_a_load(
    keys: IssuerKeys, issuer: LocalIssuer
) -> None:
    """All tokens with the new key are accepted after one load."""
    new = issuer.rotate("ES256")
    assert all(await asyncio.gather(*(knows(keys, new) for _ in range(20))))
    assert loads(issuer) == 2


async def test_a_cancelled_request_does_not_stop_the_load(
    keys: IssuerKeys, issuer: LocalIssuer
) -> None:
    """Another request that waits for the same load gets its key."""
    new = issuer.rotate("ES256")
    first, second = (asyncio.create_task(knows(keys, new)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert loads(issuer) == 2


async def test_a_removed_key_stops_working(
    keys: IssuerKeys, issuer: LocalIssuer, clock: Clock
) -> None:
    """Keys have an age limit, even if no token names another one."""
    old = issuer.keys[0]
    issuer.rotate("ES256")
    clock.now += FRESH - 1
    assert await knows(keys, old)
    clock.now += 1
    assert not await knows(keys, old)


async def test_known_keys_outlast_the_issuer(
    keys: IssuerKeys, issuer: LocalIssuer, clock: Clock
) -> None:
    """While the issuer is down, its keys work for a day; other keys cannot be judged."""
    known = issuer.keys[0]
    issuer.stop()
    try:
        for passed in (FRESH, RETRY_INTERVAL, STALE - FRESH - RETRY_INTERVAL - 1):
            clock.now += passed
            assert await knows(keys, known)
            with pytest.raises(IssuerUnavailableError):
                await knows(keys, SigningKey("ES256"))
        clock.now += 1 + RETRY_INTERVAL
        with pytest.raises(IssuerUnavailableError):
            await knows(keys, known)
    finally:
        issuer.start()
    clock.now += RETRY_INTERVAL
    assert await knows(keys, known)


async def test_an_issuer_that_is_down_is_not_asked_by_every_request(
    keys: IssuerKeys, issuer: LocalIssuer, clock: Clock
) -> None:
    """Between two attempts, requests are told when to try again, and nobody waits."""
    issuer.replies[JWKS] = (500, {}, [])
    for _ in range(3):
        clock.now += SEARCH_INTERVAL
        for _ in range(20):
            with pytest.raises(IssuerUnavailableError) as raised:
                await knows(keys, SigningKey("ES256"))
            assert 1 <= raised.value.retry_after <= RETRY_INTERVAL
    assert loads(issuer) == 1 + 3


async def test_without_kid_the_only_fitting_key_is_taken(
    keys: IssuerKeys, issuer: LocalIssuer, clock: Clock
) -> None:
    """Two keys for the algorithm are one too many; a key for another one does not count."""
    assert await keys.find("ES256", None) is not None
    assert await keys.find("RS256", None) is None
    issuer.keys += [SigningKey("EdDSA"), SigningKey("ES256")]
    clock.now += FRESH
    assert await keys.find("EdDSA", None) is not None
    assert await keys.find("ES256", None) is None
