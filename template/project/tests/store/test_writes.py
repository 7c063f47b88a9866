"""Concurrent and cancelled writes leave the store consistent."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from functools import partial
from itertools import count
from types import coroutine
from typing import Any

import pytest
from chatkit.store import NotFoundError

from app.base import ChatStore
from tests.store.samples import (
    ANNA,
    BERT,
    WRITES,
    Write,
    item_ids,
    make_message,
    make_thread,
    read_all,
    save_conversation,
)

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("thread")
async def test_items_that_come_at_once_are_all_kept(store: ChatStore) -> None:
    """Tasks that write to one thread do not interfere."""
    ids = {f"item_{number}" for number in range(50)}
    await asyncio.gather(
        *(store.add_thread_item("thr_anna", make_message(item_id), ANNA) for item_id in ids)
    )
    kept = await item_ids(store)
    assert len(kept) == len(ids)
    assert set(kept) == ids


@pytest.mark.usefixtures("thread")
async def test_deleting_a_thread_while_items_come_leaves_none(store: ChatStore) -> None:
    """Items are either deleted with the thread or refused."""
    adding = [
        store.add_thread_item("thr_anna", make_message(f"item_{number}"), ANNA)
        for number in range(10)
    ]
    half = len(adding) // 2
    results = await asyncio.gather(
        *adding[:half],
        store.delete_thread("thr_anna", ANNA),
        *adding[half:],
        return_exceptions=True,
    )
    assert {type(result) for result in results} <= {type(None), NotFoundError}
    await store.save_thread(make_thread("thr_anna"), ANNA)
    assert await item_ids(store) == []


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_cancelled_write_is_whole_or_absent(
    store: ChatStore, write: Write, times: int
) -> None:
    """Wherever a write is cancelled, nothing is half written and the next write works."""
    for place in count(1):
        await save_conversation(store)
        before = await read_all(store)
        rival = asyncio.create_task(store.save_thread(make_thread("thr_bert"), BERT))
        reached = await cancel(write(store), place, times)
        between = await read_all(store)
        with suppress(NotFoundError):  # The thread to delete may be gone already.
            await write(store)
        after = await read_all(store)
        await rival
        assert between in (before, after)
        assert before != after
        for thread, _, _ in after:
            await store.delete_thread(thread.id, ANNA)
        if not reached:
            break


async def cancel(call: Coroutine[Any, Any, None], place: int, times: int) -> bool:
    """Run a call and cancel it where it waits for the *place*-th time.

    Args:
        call: May wait any number of times.
        place: The first wait is 1.
        times: How many waits in a row to cancel.

    Returns:
        Whether the call was cancelled: if not, it waits fewer times than *place*.
    """

    async def run() -> int:
        return await _cancel_at(call, range(place, place + times))

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        assert task.result() < place, "the call ignored its cancellation"
    return task.cancelled()


@coroutine
def _cancel_at(call: Coroutine[Any, Any, None], places: range) -> Generator[Any, None, int]:
    """Run *call*, cancel the task at some of its waits and return how many there were."""
    task = asyncio.current_task()
    assert task is not None
    resume = partial(call.send, None)
    for place in count(1):
        try:
            awaited = resume()
        except StopIteration:
            break
        if place in places:
            task.cancel()
        try:
            yield awaited
        except asyncio.CancelledError as error:
            resume = partial(call.throw, error)
        else:
            resume = partial(call.send, None)
    return place - 1
