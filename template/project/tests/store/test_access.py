"""Another user's threads and items are not found, like those that do not exist."""

import pytest
from chatkit.store import NotFoundError

from app.base import ChatStore
from tests.store.samples import ANNA, BERT, make_message, make_thread

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("thread_id", ["thr_unknown", "thr_bert", "", "nul\0", "long" * 1000])
async def test_unknown_and_foreign_threads_are_not_found(store: ChatStore, thread_id: str) -> None:
    """Every method raises the same for an unknown thread and for another user's."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    await store.add_thread_item("thr_bert", make_message("item"), BERT)
    for call in (
        store.load_thread(thread_id, ANNA),
        store.load_thread_items(thread_id, None, 10, "asc", ANNA),
        store.load_thread_items(thread_id, "item", 10, "desc", ANNA),
        store.load_threads(10, thread_id, "desc", ANNA),
        store.load_item(thread_id, "item", ANNA),
        store.add_thread_item(thread_id, make_message("new"), ANNA),
        store.save_item(thread_id, make_message("item", "stolen"), ANNA),
        store.delete_thread_item(thread_id, "item", ANNA),
        store.rename_thread(thread_id, "stolen", ANNA),
        store.propose_title(thread_id, "stolen", ANNA),
        store.delete_thread(thread_id, ANNA),
        store.save_feedback(thread_id, ["item"], "positive", ANNA),
        store.load_feedback(thread_id, ANNA),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await store.load_thread("thr_bert", BERT) == make_thread("thr_bert")
    assert await store.load_item("thr_bert", "item", BERT) == make_message("item")
    assert await store.load_feedback("thr_bert", BERT) == {}


async def test_foreign_thread_cannot_be_overwritten(store: ChatStore) -> None:
    """A thread always belongs to the user who created it."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    with pytest.raises(NotFoundError):
        await store.save_thread(make_thread("thr_bert", "stolen"), ANNA)
    assert await store.load_thread("thr_bert", BERT) == make_thread("thr_bert")
    assert (await store.load_threads(10, None, "desc", ANNA)).data == []


@pytest.mark.parametrize("item_id", ["unknown", "of_bert", "", "nul\0", "long" * 1000])
@pytest.mark.usefixtures("thread")
async def test_unknown_items_are_not_found(store: ChatStore, item_id: str) -> None:
    """An item can be loaded, or be a cursor, in its own thread only."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    await store.add_thread_item("thr_bert", make_message("of_bert"), BERT)
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    for call in (
        store.load_item("thr_anna", item_id, ANNA),
        store.load_thread_items("thr_anna", item_id, 10, "asc", ANNA),
        store.load_thread_items("thr_anna", item_id, 10, "desc", ANNA),
        store.save_feedback("thr_anna", ["item", item_id], "positive", ANNA),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await store.load_feedback("thr_anna", ANNA) == {}


@pytest.mark.usefixtures("thread")
async def test_item_ids_are_unique_in_their_thread_only(store: ChatStore) -> None:
    """Chat Completions models call every message `__fake_id__`."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    mine = make_message("__fake_id__", "for Anna")
    yours = make_message("__fake_id__", "for Bert", "thr_bert")
    await store.add_thread_item("thr_anna", mine, ANNA)
    await store.add_thread_item("thr_bert", yours, BERT)
    assert await store.load_item("thr_anna", "__fake_id__", ANNA) == mine
    await store.delete_thread_item("thr_anna", "__fake_id__", ANNA)
    assert await store.load_item("thr_bert", "__fake_id__", BERT) == yours
