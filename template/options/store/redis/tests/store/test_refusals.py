"""A server that refuses some commands, or that may lose what it keeps."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from app.base import ChatStore, StoreUnavailableError
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

Configure = Callable[[str, str | int], None]


@pytest.fixture
def configure(redis: Redis) -> Iterator[Configure]:
    """Return a function that changes the server's settings until the test ends."""
    before: dict[str, str] = {}

    def change(name: str, value: str | int) -> None:
        before.setdefault(name, str(redis.config_get(name)[name]))
        redis.config_set(name, value)

    yield change
    for name, value in before.items():
        redis.config_set(name, value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("maxmemory", 1, "memory of Redis is full"),
        ("min-replicas-to-write", 1, "too few replicas"),
        ("replicaof", "127.0.0.1 1", "read-only"),
    ],
    ids=["full", "replicas missing", "replica"],
)
async def test_server_that_refuses_writes_is_not_ready(
    store: ChatStore, redis: Redis, configure: Configure, name: str, value: str, reason: str
) -> None:
    """What it has can be read, no write is half done, and it is ready again afterwards."""
    await save_conversation(store)
    before = await read_all(store)
    if name == "replicaof":
        redis.replicaof(*value.split())
    else:
        configure(name, value)
    try:
        assert await read_all(store) == before
        for call in (
            store.ping(),
            store.save_thread(make_thread("thr_new"), ANNA),
            store.save_item("thr_anna", make_message("new"), ANNA),
            store.save_feedback("thr_anna", ["two"], "negative", ANNA),
            store.counters().incr("anna", 60),
        ):
            with pytest.raises(StoreUnavailableError, match=reason):
                await call
        assert await read_all(store) == before
    finally:
        if name == "replicaof":
            redis.replicaof("NO", "ONE")
        else:
            configure(name, 0)
    await store.ping()


@pytest.mark.anyio
async def test_missing_durability_is_a_warning(store: ChatStore, configure: Configure) -> None:
    """The store can be used, and says what a crash or a full memory would lose."""
    assert await store.ping() is None
    configure("appendonly", "no")
    assert "appendonly" in (await store.ping() or "")
    configure("appendonly", "yes")
    configure("maxmemory", "1gb")
    assert await store.ping() is None
    configure("maxmemory-policy", "allkeys-lru")
    assert "allkeys-lru" in (await store.ping() or "")


@pytest.mark.anyio
async def test_server_that_does_not_describe_itself_is_a_warning(
    store_env: dict[str, str], redis: Redis
) -> None:
    """Providers may forbid INFO and CONFIG; everything else works."""
    redis.acl_setuser(
        "limited",
        enabled=True,
        passwords=["+hunter2"],
        keys=["{chatkit}:*"],
        categories=["+@all", "-@dangerous", "-@admin"],
    )
    _, _, address = store_env["REDIS_URL"].rpartition("@")
    try:
        url = f"redis://limited:hunter2@{address}"
        async with open_store(StoreSettings.model_validate({"redis_url": url})) as store:
            assert "INFO" in (await store.ping() or "")
            await save_conversation(store)
            assert await item_ids(store) == ["one", "two"]
            assert await store.counters().incr("anna", 60) == 1
            async with store.turn_lock("thr_anna"):
                await store.save_item("thr_anna", make_message("three"), ANNA)
    finally:
        redis.acl_deluser("limited")
