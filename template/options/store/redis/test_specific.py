"""What is specific to Redis."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import pytest
from pydantic import SecretStr, ValidationError
from redis import Redis

from app.base import ChatStore, RequestContext, StoreUnavailableError, User
from app.errors import StartupError
from app.redis_store import server, transfer
from app.sections import open_sections
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
from tests.store.test_transfer import RATED, export, load, make_file, odd_title

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
            for one in ids:
                with suppress(StoreUnavailableError):  # on a machine that is busy
                    assert await impatient.load_thread(one, ANNA) == make_thread(one)


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


@pytest.mark.anyio
async def test_imported_threads_expire(store_env: dict[str, str], redis: Redis) -> None:
    """An import counts as a change of a thread, whose keys all get the same deadline."""
    file = make_file(odd_title("New"), *RATED)
    await load({**store_env, "THREAD_TTL": "2"}, file)
    keys = redis.keys("{chatkit}:*")
    assert len(keys) == 6
    ends = [redis.pexpiretime(str(key)) for key in keys]
    assert len(set(ends)) == 1
    assert 0 < ends[0] / 1000 - time.time() < 2 * 24 * 60 * 60 + 1
    await load({**store_env, "THREAD_TTL": "2"}, file, resume=True)
    assert [redis.pexpiretime(str(key)) for key in keys] == ends


@pytest.mark.anyio
async def test_import_without_end_stays(store_env: dict[str, str], redis: Redis) -> None:
    """Without `THREAD_TTL`, imported threads are kept forever."""
    await load(store_env, make_file(odd_title("New"), *RATED))
    assert {redis.pttl(key) for key in redis.keys("{chatkit}:*")} == {-1}


@pytest.mark.anyio
async def test_import_counts_what_redis_cannot_keep(
    store: ChatStore, store_env: dict[str, str]
) -> None:
    """The times of feedback are lost, and odd titles are not."""
    file = make_file(odd_title("a\0b"), *RATED)
    outcome = await load(store_env, file)
    assert outcome.lost == {"item rated_at": 2}
    assert await store.load_feedback("thr_anna", ANNA) == {"1": "positive", "2": "positive"}
    assert (await store.load_thread("thr_anna", ANNA)).title == "a\0b"
    untimed = [item.model_copy(update={"rated_at": None}) for item in RATED]
    assert await export(store_env) == make_file(odd_title("a\0b"), *untimed)


@pytest.mark.anyio
async def test_item_without_thread_is_refused(store_env: dict[str, str]) -> None:
    """A file with an item of no thread, or of another user's, is wrong."""
    for user, thread in (("anna", "thr_none"), ("bert", "thr_anna")):
        item = RATED[0].model_copy(update={"user": user, "thread": thread})
        with pytest.raises(StartupError, match=f"the store has no thread '{thread}' of {user}"):
            await load(store_env, make_file(odd_title("New"), item), resume=user == "bert")


@pytest.mark.anyio
async def test_deleted_threads_are_left_out_of_an_export(
    store: ChatStore, store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that is deleted or expires while others are exported does not stop the export."""
    monkeypatch.setattr(transfer, "ROWS", 2)
    for name in ("thr_anna", "thr_gone"):
        await store.save_thread(make_thread(name), ANNA)
        for number in range(5):
            await store.add_thread_item(name, make_message(f"{number}", "", name), ANNA)
    async with open_sections(settings_for(store_env["REDIS_URL"])) as sections:
        entries = sections[0].dump()
        await anext(entries)
        for name in ("thr_anna", "thr_gone"):
            await store.delete_thread(name, ANNA)
        assert len([entry async for entry in entries]) == 2


@pytest.mark.anyio
async def test_many_names_are_sorted_in_turns(
    store: ChatStore, store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each user is exported once and in order, although not all of them are sorted at once."""
    users = [f"user_{number:03}" for number in range(50)]
    for user in random.sample(users, len(users)):
        context = RequestContext(User(user), request_id="req_1")
        await store.save_thread(make_thread(f"thr_{user}"), context)
    whole = await export(store_env)
    monkeypatch.setattr(transfer, "NAMES", 7)
    assert await export(store_env) == whole
    named = [json.loads(line)["user"] for line in whole.splitlines()[1:-1]]
    assert named == users
