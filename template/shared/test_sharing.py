"""Several processes may use the same data, each through its own store."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from chatkit.store import NotFoundError

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests.store.samples import (
    ANNA,
    WRITES,
    Write,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(store: ChatStore) -> AsyncIterator[ChatStore]:
    """Open the data of `store` once more."""
    async with open_store(StoreSettings()) as opened:
        yield opened


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_write_is_seen_by_the_other(store: ChatStore, other: ChatStore, write: Write) -> None:
    """What one store has written, the other reads at once."""
    await save_conversation(store)
    before = await read_all(other)
    assert before == await read_all(store)
    await write(store)
    after = await read_all(other)
    assert after == await read_all(store)
    assert after != before


@pytest.mark.usefixtures("thread")
async def test_entries_are_in_the_order_they_came(store: ChatStore, other: ChatStore) -> None:
    """Both stores list threads and items in the order of all writes."""
    ids = [f"item_{number}" for number in range(10)]
    for turn in range(0, len(ids), 2):
        await store.add_thread_item("thr_anna", make_message(ids[turn]), ANNA)
        await store.save_thread(make_thread(f"thr_{turn}"), ANNA)
        await other.add_thread_item("thr_anna", make_message(ids[turn + 1]), ANNA)
        await other.save_thread(make_thread(f"thr_{turn + 1}"), ANNA)
    for reader in (store, other):
        assert await item_ids(reader) == ids
        page = await reader.load_threads(100, None, "asc", ANNA)
        assert [thread.id for thread in page.data[1:]] == [f"thr_{turn}" for turn in range(10)]


@pytest.mark.usefixtures("thread")
async def test_items_that_come_at_once_are_kept_once(store: ChatStore, other: ChatStore) -> None:
    """No item is lost or kept twice, and both stores list them in the same order."""
    ids = [f"item_{number}" for number in range(20)]
    await asyncio.gather(
        *(
            writer.save_item("thr_anna", make_message(item_id), ANNA)
            for item_id in ids
            for writer in (store, other)
        )
    )
    assert sorted(await item_ids(store)) == sorted(ids)
    assert await item_ids(store) == await item_ids(other)


@pytest.mark.usefixtures("thread")
async def test_deleting_a_thread_while_the_other_adds_leaves_none(
    store: ChatStore, other: ChatStore
) -> None:
    """Items are either deleted with the thread or refused."""
    results = await asyncio.gather(
        *(other.add_thread_item("thr_anna", make_message(f"1_{n}"), ANNA) for n in range(5)),
        store.delete_thread("thr_anna", ANNA),
        *(other.add_thread_item("thr_anna", make_message(f"2_{n}"), ANNA) for n in range(5)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} <= {type(None), NotFoundError}
    for reader in (store, other):
        assert await read_all(reader) == []
    await other.save_thread(make_thread("thr_anna"), ANNA)
    assert await item_ids(store) == []
