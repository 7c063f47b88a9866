"""Threads are kept as they were saved."""

import asyncio
from datetime import UTC

import pytest
from chatkit.store import NotFoundError
from chatkit.types import LockedStatus, Page, Thread, ThreadMetadata

from app.base import ChatStore
from tests.store.samples import (
    ANNA,
    NOW,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

pytestmark = pytest.mark.anyio


async def test_new_store_is_ready_and_empty(store: ChatStore) -> None:
    """Nothing has to be prepared before the first thread."""
    await store.ping()
    assert await store.load_threads(9999, None, "desc", ANNA) == Page()


async def test_every_field_is_kept(store: ChatStore) -> None:
    """A thread is loaded as it was saved; a time without a time zone stays without one."""
    thread = ThreadMetadata(
        id="thr_1",
        created_at=NOW,
        title="Grüße \N{WAVING HAND SIGN}",
        status=LockedStatus(reason="over"),
        allowed_image_domains=["example.org"],
        metadata={"nested": {"list": [1, 2.5, None, True]}},
    )
    await store.save_thread(thread, ANNA)
    assert await store.load_thread("thr_1", ANNA) == thread


async def test_time_zone_is_kept(store: ChatStore) -> None:
    """A time with a time zone stays the same moment and keeps a time zone."""
    thread = ThreadMetadata(id="thr_1", created_at=NOW.replace(tzinfo=UTC))
    await store.save_thread(thread, ANNA)
    assert (await store.load_thread("thr_1", ANNA)).created_at == thread.created_at


async def test_page_of_items_is_not_saved_with_the_thread(store: ChatStore) -> None:
    """The SDK saves a `Thread`, not `ThreadMetadata`, when a new thread gets its title."""
    thread = Thread(id="thr_1", created_at=NOW, title="Trip", items=Page())
    await store.save_thread(thread, ANNA)
    loaded = await store.load_thread("thr_1", ANNA)
    assert type(loaded) is ThreadMetadata
    items = await store.load_thread_items("thr_1", None, 20, "asc", ANNA)
    assert Thread(**loaded.model_dump(), items=items) == thread


async def test_changed_thread_keeps_its_place(store: ChatStore) -> None:
    """Saving a thread again replaces it and does not move it in the list."""
    await store.save_thread(make_thread("thr_1"), ANNA)
    await store.save_thread(make_thread("thr_2"), ANNA)
    renamed = make_thread("thr_1", "New")
    await store.save_thread(renamed, ANNA)
    page = await store.load_threads(10, None, "asc", ANNA)
    assert page.data == [renamed, make_thread("thr_2")]


async def test_saving_a_thread_never_replaces_its_title(store: ChatStore) -> None:
    """A turn saves a copy of the thread from before the user renamed it."""
    status = LockedStatus(reason="over")
    await store.save_thread(make_thread("thr_1"), ANNA)
    await store.rename_thread("thr_1", "Mine", ANNA)
    for stale in (None, "", "Found by the agent"):
        thread = ThreadMetadata(id="thr_1", created_at=NOW, title=stale, status=status)
        await store.save_thread(thread, ANNA)
        loaded = await store.load_thread("thr_1", ANNA)
        assert (loaded.title, loaded.status) == ("Mine", status)
        assert (await store.load_threads(1, None, "desc", ANNA)).data == [loaded]


@pytest.mark.parametrize("title", ["New", "", "Grüße \N{WAVING HAND SIGN}", "'; --", "{}"])
async def test_renaming_replaces_any_title(store: ChatStore, title: str) -> None:
    """The rest of the thread stays, and so does its place in the list."""
    for thread_id in ("thr_1", "thr_2"):
        await store.save_thread(make_thread(thread_id, "Old"), ANNA)
    renamed = await store.rename_thread("thr_1", title, ANNA)
    assert renamed == make_thread("thr_1", title)
    page = await store.load_threads(10, None, "asc", ANNA)
    assert page.data == [renamed, make_thread("thr_2", "Old")]


async def test_title_is_only_proposed_once(store: ChatStore) -> None:
    """The first title of a thread stays, an empty one included, until the user renames it."""
    await store.save_thread(make_thread("thr_1"), ANNA)
    await store.save_thread(make_thread("thr_2", ""), ANNA)
    assert await store.propose_title("thr_1", "First", ANNA) == "First"
    assert await store.propose_title("thr_1", "Second", ANNA) == "First"
    assert await store.propose_title("thr_2", "First", ANNA) == ""
    assert await store.load_thread("thr_1", ANNA) == make_thread("thr_1", "First")
    assert await store.load_thread("thr_2", ANNA) == make_thread("thr_2", "")


async def test_titles_with_a_nul_are_accepted(store: ChatStore) -> None:
    """Only the character itself may be lost."""
    await store.save_thread(make_thread("thr_1", "a\0b"), ANNA)
    assert (await store.load_thread("thr_1", ANNA)).title in {"a\0b", "ab"}
    renamed = await store.rename_thread("thr_1", "c\0d", ANNA)
    assert renamed.title in {"c\0d", "cd"}
    assert await store.propose_title("thr_1", "e\0f", ANNA) == renamed.title


@pytest.mark.parametrize("late", ["rename", "proposal"])
async def test_rename_wins_over_a_simultaneous_proposal(store: ChatStore, late: str) -> None:
    """Whichever comes first."""
    await store.save_thread(make_thread("thr_1"), ANNA)
    calls = [
        store.rename_thread("thr_1", "Mine", ANNA),
        store.propose_title("thr_1", "Proposed", ANNA),
        store.save_thread(make_thread("thr_1", "Saved"), ANNA),
    ]
    await asyncio.gather(*(calls if late == "proposal" else reversed(calls)))
    assert (await store.load_thread("thr_1", ANNA)).title == "Mine"


async def test_deleted_thread_is_gone_with_its_items(store: ChatStore) -> None:
    """Neither late items nor a new thread with the same id bring anything back."""
    await save_conversation(store)
    await store.delete_thread("thr_anna", ANNA)
    for call in (
        store.load_thread("thr_anna", ANNA),
        store.load_item("thr_anna", "one", ANNA),
        store.add_thread_item("thr_anna", make_message("late"), ANNA),
        store.save_item("thr_anna", make_message("one"), ANNA),
        store.rename_thread("thr_anna", "late", ANNA),
        store.propose_title("thr_anna", "late", ANNA),
        store.delete_thread("thr_anna", ANNA),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await read_all(store) == []
    await store.save_thread(make_thread("thr_anna"), ANNA)
    assert await item_ids(store) == []
    await store.add_thread_item("thr_anna", make_message("one"), ANNA)
    assert await store.load_feedback("thr_anna", ANNA) == {}


async def test_new_ids_are_long_and_differ(store: ChatStore) -> None:
    """An id has 128 random bits after its prefix."""
    ids = {store.generate_thread_id(ANNA) for _ in range(100)}
    assert len(ids) == 100
    assert {len(thread_id) for thread_id in ids} == {len("thr_") + 32}
