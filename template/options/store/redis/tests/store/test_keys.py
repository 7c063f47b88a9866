"""What is left in Redis after a thread was deleted, and for how long the others stay."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from chatkit.store import NotFoundError
from redis import Redis

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    BERT,
    WRITES,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

DAY = 24 * 60 * 60 * 1000


def settings_for(store_env: dict[str, str], days: str) -> StoreSettings:
    """Return the settings of a store that keeps threads for this time."""
    fields = {"redis_url": store_env["REDIS_URL"], "thread_ttl": days}
    return StoreSettings.model_validate(fields)


def keys_in(redis: Redis) -> list[str]:
    """Return all keys of a database."""
    return [str(key) for key in redis.scan_iter()]


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


@pytest.fixture
async def forgetful(store_env: dict[str, str]) -> AsyncIterator[ChatStore]:
    """A store with a conversation that is kept for 30 days, of which one is left."""
    async with open_store(settings_for(store_env, "30")) as store:
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
    settings = settings_for(store_env, "0.5")
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
    settings = settings_for(store_env, str(0.5 / 24 / 3600))
    async with open_store(settings) as store:
        await save_conversation(store)
        async with asyncio.timeout(30):
            while keys_in(redis):  # noqa: ASYNC110 - nothing tells when keys expire
                await asyncio.sleep(0.05)
