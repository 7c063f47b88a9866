"""What is specific to Redis."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pydantic import SecretStr, ValidationError
from redis import Redis

from app.base import ChatStore, StoreUnavailableError
from app.errors import StartupError
from app.redis_store import server
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    WRITES,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

Outage = Callable[[], AbstractContextManager[None]]

UNREACHABLE = "redis://anna:hunter2@127.0.0.1:1/0"
"""Nothing listens on port 1."""


def settings_for(url: str, **others: str) -> StoreSettings:
    """Return the settings for a REDIS_URL."""
    return StoreSettings.model_validate({"redis_url": url, **others})


@pytest.mark.parametrize(
    "url",
    [
        "redis://:p%40ss@redis.example.org:6379/15",
        "rediss://anna:hunter2@redis.example.org",
        "rediss://anna:hunter2@redis.example.org:6380/0?ssl_cert_reqs=none",
        "valkeys://anna:hunter2@valkey.example.org:6380",
        "redis://[::1]:6379/",
        "unix:///var/run/redis.sock?db=1",
    ],
    ids=["password only", "TLS", "options", "Valkey", "IPv6", "socket"],
)
def test_urls_of_all_kinds_are_accepted(url: str) -> None:
    """Every URL that redis-py accepts is valid, and its password is never shown."""
    settings = settings_for(url)
    assert settings.redis_url == SecretStr(url)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://<user>:<password>@<host>:6379/0", "still a placeholder"),
        ("rediss://default:[YOUR-PASSWORD]@redis.example.org:6379", "still a placeholder"),
        ("http://anna:hunter2@redis.example.org", "not a URL for Redis"),
        ("redis.example.org:6379", "not a URL for Redis"),
        ("redis://anna:hunter2@redis.example.org/chat", "not a URL for Redis"),
        ("redis://anna:hunter2@redis.example.org:port/0", "cannot be understood"),
        ("redis://anna:hunter2@redis.example.org/0?pool=5", "unknown option, pool"),
        ("redis://anna:hunter2@redis.example.org/0?max_connections=5", "option, max_connections"),
    ],
)
def test_other_urls_are_rejected(url: str, reason: str) -> None:
    """The message names the problem and contains no part of the password."""
    with pytest.raises(ValidationError, match=reason) as caught:
        settings_for(url)
    assert "hunter2" not in str(caught.value)


def test_the_url_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no default server."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(ValidationError, match="redis_url"):
        StoreSettings()


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "a week"])
def test_impossible_times_are_rejected(days: str) -> None:
    """A thread cannot be kept for no time."""
    with pytest.raises(ValidationError, match="thread_ttl"):
        settings_for(UNREACHABLE, thread_ttl=days)


@pytest.mark.anyio
async def test_start_fails_while_the_server_is_away() -> None:
    """In development, the error is one sentence with the variable's name and no password."""
    with pytest.raises(StartupError, match=r"^REDIS_URL: .*Connect call failed") as caught:
        async with open_store(settings_for(UNREACHABLE)):
            pass
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_start_fails_with_a_wrong_password(store_env: dict[str, str]) -> None:
    """The error has the server's reason."""
    url = store_env["REDIS_URL"].replace("@", "-and-more@")
    with pytest.raises(StartupError, match=r"^REDIS_URL: .*password") as caught:
        async with open_store(settings_for(url)):
            pass
    assert "-and-more" not in str(caught.value)


@pytest.mark.anyio
async def test_production_starts_while_the_server_is_away() -> None:
    """The backend may start before Redis; until then the store is not ready."""
    async with open_store(settings_for(UNREACHABLE, app_env="production")) as store:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            await store.ping()


@pytest.mark.anyio
async def test_every_method_reports_that_the_server_is_away(
    store: ChatStore, outage: Outage
) -> None:
    """Every method raises the same error, and no write is left half done."""
    await save_conversation(store)
    before = await read_all(store)
    with outage():
        for call in (
            store.ping(),
            store.load_threads(10, None, "desc", ANNA),
            store.load_thread("thr_anna", ANNA),
            store.load_thread_items("thr_anna", None, 10, "desc", ANNA),
            store.load_item("thr_anna", "one", ANNA),
            store.load_feedback("thr_anna", ANNA),
            store.counters().incr("anna", 60),
            store.turn_lock("thr_anna").__aenter__(),
            *(write(store) for write in WRITES.values()),
        ):
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                await call
        assert not await store.counters().check()
    await store.ping()
    assert await read_all(store) == before


async def poll_until_ready(store: ChatStore) -> None:
    """Wait until the store is ready again."""
    async with asyncio.timeout(30):
        while True:
            try:
                await store.ping()
            except StoreUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.anyio
async def test_frozen_server_hangs_nothing(
    store: ChatStore, store_env: dict[str, str], freeze: Outage
) -> None:
    """Every call ends, and when the server goes on, so does the store."""
    await save_conversation(store)
    settings = settings_for(store_env["REDIS_URL"], redis_timeout="0.3")
    async with asyncio.timeout(60), open_store(settings) as impatient:
        with freeze():
            results = await asyncio.gather(
                impatient.ping(),
                impatient.load_thread("thr_anna", ANNA),
                impatient.save_item("thr_anna", make_message("new"), ANNA),
                impatient.counters().incr("key", 60),
                impatient.turn_lock("thr_anna").__aenter__(),
                return_exceptions=True,
            )
            assert {type(result) for result in results} == {StoreUnavailableError}
        await poll_until_ready(impatient)
    await store.save_item("thr_anna", make_message("three"), ANNA)
    # A write that got no answer may still have been carried out.
    kept = await item_ids(store)
    assert [item for item in kept if item != "new"] == ["one", "two", "three"]


@pytest.mark.anyio
async def test_late_reply_is_nobody_elses(
    store: ChatStore,
    store_env: dict[str, str],
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After operations that took too long, or were cancelled, all others get their own replies."""
    monkeypatch.setattr(server, "_SILENCE", 0.0)
    chance = random.Random(0)
    ids = [f"thr_{number}" for number in range(20)]
    for thread_id in ids:
        await store.save_thread(make_thread(thread_id), ANNA)
    settings = settings_for(store_env["REDIS_URL"], redis_timeout="0.05", redis_connections="2")
    async with asyncio.timeout(60), open_store(settings) as impatient:

        async def load(thread_id: str) -> str | None:
            try:
                async with asyncio.timeout(chance.uniform(0, 0.1)):
                    return (await impatient.load_thread(thread_id, ANNA)).id
            except (TimeoutError, StoreUnavailableError):
                return None

        for _ in range(3):
            redis.client_pause(60, all=True)  # milliseconds
            for _ in range(5):
                loaded = await asyncio.gather(*map(load, ids))
                assert {(one, got) for one, got in zip(ids, loaded, strict=True) if got} <= {
                    (one, one) for one in ids
                }
            await poll_until_ready(impatient)
            assert await asyncio.gather(*(impatient.load_thread(one, ANNA) for one in ids)) == [
                make_thread(one) for one in ids
            ]


@pytest.mark.anyio
async def test_forgotten_scripts_are_sent_again(store: ChatStore, redis: Redis) -> None:
    """A server that was replaced has none of the scripts that were used before."""
    await save_conversation(store)
    redis.script_flush()
    await store.save_item("thr_anna", make_message("three"), ANNA)
    assert await item_ids(store) == ["one", "two", "three"]


@pytest.mark.anyio
async def test_turn_that_lost_its_lease_is_refused_by_the_server(
    store: ChatStore, redis: Redis
) -> None:
    """The write itself checks the lease, even if this process believes that it has it."""
    await save_conversation(store)
    before = await read_all(store)
    async with store.turn_lock("thr_anna"):
        redis.hset("{chatkit}:lease:thr_anna", "holder", "other")
        for write in WRITES.values():
            with pytest.raises(StoreUnavailableError, match="interrupted"):
                await write(store)
    assert await read_all(store) == before
