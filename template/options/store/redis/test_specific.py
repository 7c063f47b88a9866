"""What is specific to Redis."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from chatkit.store import NotFoundError
from pydantic import SecretStr, ValidationError
from redis import Redis

from app.base import ChatStore, StoreUnavailableError
from app.errors import StartupError
from app.redis_store import server
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    BERT,
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


@pytest.fixture
def configure(redis: Redis) -> Iterator[Callable[[str, str | int], None]]:
    """Return a function that changes the server's settings until the test ends."""
    before: dict[str, str] = {}

    def change(name: str, value: str | int) -> None:
        before.setdefault(name, str(redis.config_get(name)[name]))
        redis.config_set(name, value)

    yield change
    for name, value in before.items():
        redis.config_set(name, value)


Configure = Callable[[str, str | int], None]


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
        async with open_store(settings_for(f"redis://limited:hunter2@{address}")) as store:
            assert "INFO" in (await store.ping() or "")
            await save_conversation(store)
            assert await item_ids(store) == ["one", "two"]
            assert await store.counters().incr("anna", 60) == 1
            async with store.turn_lock("thr_anna"):
                await store.save_item("thr_anna", make_message("three"), ANNA)
    finally:
        redis.acl_deluser("limited")


@pytest.mark.anyio
async def test_forgotten_scripts_are_sent_again(store: ChatStore, redis: Redis) -> None:
    """A server that was replaced has none of the scripts that were used before."""
    await save_conversation(store)
    redis.script_flush()
    await store.save_item("thr_anna", make_message("three"), ANNA)
    assert await item_ids(store) == ["one", "two", "three"]


@pytest.mark.anyio
async def test_deleting_leaves_no_key(store: ChatStore, redis: Redis) -> None:
    """Nothing of a deleted thread stays, however long it was."""
    await save_conversation(store)
    for number in range(1000):
        await store.add_thread_item("thr_anna", make_message(f"{number}"), ANNA)
    page = await store.load_thread_items("thr_anna", None, 10_000, "asc", ANNA)
    assert len(page.data) == 1002
    await store.delete_thread("thr_anna", ANNA)
    assert keys_in(redis) == []


DAY = 24 * 60 * 60 * 1000


def keys_in(redis: Redis) -> list[str]:
    """Return all keys of a database."""
    return [str(key) for key in redis.scan_iter()]


@pytest.fixture
async def forgetful(store_env: dict[str, str]) -> AsyncIterator[ChatStore]:
    """A store with a conversation that is kept for 30 days, of which one is left."""
    async with open_store(settings_for(store_env["REDIS_URL"], thread_ttl="30")) as store:
        await save_conversation(store)
        with Redis.from_url(store_env["REDIS_URL"], decode_responses=True) as redis:
            for key in keys_in(redis):
                assert 29 * DAY < redis.pttl(key) <= 30 * DAY
                redis.pexpire(key, DAY)
        yield store


@pytest.mark.anyio
@pytest.mark.parametrize("name", WRITES)
async def test_write_puts_off_the_end(forgetful: ChatStore, redis: Redis, name: str) -> None:
    """All that belongs to the thread is kept for 30 days again, and so is the list."""
    await WRITES[name](forgetful)
    changed = "thr_new" if name == "new thread" else "thr_anna"
    kept = [key for key in keys_in(redis) if key.endswith((f":{changed}", ":anna"))]
    assert len(kept) == {"new thread": 3, "deleted thread": 0, "deleted item": 5}.get(name, 6)
    assert all(29 * DAY < redis.pttl(key) <= 30 * DAY for key in kept)


@pytest.mark.anyio
async def test_reading_does_not_put_off_the_end(forgetful: ChatStore, redis: Redis) -> None:
    """A thread that is only looked at ends as if nobody did."""
    await read_all(forgetful)
    assert all(redis.pttl(key) <= DAY for key in keys_in(redis))


@pytest.mark.anyio
async def test_without_the_setting_threads_are_kept(
    forgetful: ChatStore, store: ChatStore, redis: Redis
) -> None:
    """A thread that would have ended is kept forever from its next change on."""
    await forgetful.save_thread(make_thread("thr_other"), ANNA)
    await store.rename_thread("thr_anna", "Mine", ANNA)
    forever = {key for key in keys_in(redis) if redis.pttl(key) == -1}
    assert {key.rpartition(":")[2] for key in forever} == {"thr_anna", "anna"}
    let_expire(redis, "thr_other")
    await store.rename_thread("thr_anna", "Still mine", ANNA)
    assert [thread.id for thread, _, _ in await read_all(store)] == ["thr_anna"]
    assert {redis.pttl(key) for key in keys_in(redis)} == {-1}


def let_expire(redis: Redis, thread_id: str) -> None:
    """Let the time of a thread of Anna's be over."""
    for key in redis.keys(f"*:{thread_id}"):
        redis.pexpire(key, -1)
    redis.zadd("{chatkit}:deadlines:anna", {thread_id: 1}, xx=True)


@pytest.mark.anyio
async def test_expired_thread_is_gone(store_env: dict[str, str], redis: Redis) -> None:
    """It is not found, in no list, and its id is free; pages join up without it."""
    settings = settings_for(store_env["REDIS_URL"], thread_ttl="0.5")
    async with open_store(settings) as store:
        ids = [f"thr_{number}" for number in range(9)]
        for thread_id in ids:
            await store.save_thread(make_thread(thread_id), ANNA)
            await store.add_thread_item(thread_id, make_message("one", thread_id=thread_id), ANNA)
        gone, kept = ids[::2], ids[1::2]
        for thread_id in gone:
            let_expire(redis, thread_id)
        first = await store.load_threads(3, None, "asc", ANNA)
        assert [thread.id for thread in first.data] == kept[:3]
        assert first.after == kept[2]
        second = await store.load_threads(3, first.after, "asc", ANNA)
        assert [thread.id for thread in second.data] == kept[3:]
        assert not second.has_more
        for call in (
            store.load_thread(gone[0], ANNA),
            store.load_threads(3, gone[0], "asc", ANNA),
            store.save_item(gone[0], make_message("late"), ANNA),
        ):
            with pytest.raises(NotFoundError):
                await call
        await store.save_thread(make_thread(gone[0]), BERT)
        assert (await store.load_thread_items(gone[0], None, 9, "asc", BERT)).data == []
        page = await store.load_threads(9, None, "asc", ANNA)
        assert [thread.id for thread in page.data] == kept
        # The next write of the user also clears the list.
        await store.rename_thread(kept[0], "Mine", ANNA)
        assert redis.zrange("{chatkit}:threads:anna", 0, -1) == kept
        assert redis.zrange("{chatkit}:deadlines:anna", 0, -1, desc=True)[0] == kept[0]
        for thread_id in kept:
            let_expire(redis, thread_id)
        assert await read_all(store) == []


@pytest.mark.anyio
async def test_thread_ends_by_itself(store_env: dict[str, str], redis: Redis) -> None:
    """After its time, nothing is left in Redis."""
    settings = settings_for(store_env["REDIS_URL"], thread_ttl=str(0.5 / 24 / 3600))
    async with open_store(settings) as store:
        await save_conversation(store)
        async with asyncio.timeout(30):
            while keys_in(redis):  # noqa: ASYNC110 - nothing tells when keys expire
                await asyncio.sleep(0.05)


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
