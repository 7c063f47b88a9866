"""Any number of processes answer a thread's messages in order, and count them together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from chatkit.store import NotFoundError
from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter

from app import leases
from app.base import ChatStore, StoreUnavailableError
from app.store import StoreSettings, open_store
from tests.store.samples import ANNA, item_ids, make_message, make_thread

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("thread")]

Intruder = Any
"""Changes leases and counters behind the store's back; each store has its own."""


@pytest.fixture
async def other(store: ChatStore) -> AsyncIterator[ChatStore]:
    """Open the data of `store` once more, as another process does."""
    async with open_store(StoreSettings()) as opened:
        yield opened


@pytest.fixture
async def single(
    store: ChatStore, one_connection: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """Open the data of `store` with one connection."""
    for name, value in one_connection.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as opened:
        yield opened


async def take_turn(store: ChatStore, name: str) -> None:
    """Save a question and its answer."""
    async with store.turn_lock("thr_anna"):
        await store.save_item("thr_anna", make_message(f"question {name}"), ANNA)
        await asyncio.sleep(0.001)
        await store.save_item("thr_anna", make_message(f"answer {name}"), ANNA)


async def write_forever(store: ChatStore) -> None:
    """Save the same question again and again."""
    while True:
        await store.save_item("thr_anna", make_message("question"), ANNA)
        await asyncio.sleep(0.01)


async def test_turns_of_all_processes_alternate(store: ChatStore, other: ChatStore) -> None:
    """Each question is followed by its answer."""
    await asyncio.gather(
        *(
            take_turn(opened, f"{id(opened)} {number}")
            for number in range(10)
            for opened in (store, other)
        )
    )
    kept = await item_ids(store)
    assert len(kept) == 40
    for question, answer in zip(kept[::2], kept[1::2], strict=True):
        assert answer == question.replace("question", "answer")


async def test_threads_do_not_wait_for_one_another(single: ChatStore, other: ChatStore) -> None:
    """A turn keeps neither other threads waiting nor a connection."""
    await single.save_thread(make_thread("thr_other"), ANNA)
    async with asyncio.timeout(30), single.turn_lock("thr_anna"), single.turn_lock("thr_other"):
        await single.save_item("thr_other", make_message("one"), ANNA)
        # What is not a turn does not wait either.
        await other.rename_thread("thr_anna", "New", ANNA)


async def test_crashed_holder_keeps_nobody_waiting_for_long(
    store: ChatStore, intruder: Intruder
) -> None:
    """A lease that nobody renews ends."""
    intruder.crash()
    async with asyncio.timeout(30):
        await take_turn(store, "one")
    assert len(await item_ids(store)) == 2


async def test_running_turn_renews_its_lease(
    store: ChatStore, intruder: Intruder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn may take longer than a lease lasts."""
    monkeypatch.setattr(leases, "RENEWAL", 0.02)
    async with (
        asyncio.timeout(30),
        open_store(StoreSettings()) as opened,
        opened.turn_lock("thr_anna"),
    ):
        first = intruder.end_of_lease()
        while intruder.end_of_lease() == first:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0.01)


async def test_turn_that_lost_its_lease_cannot_write(
    store: ChatStore, intruder: Intruder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails as if the store were away; the next turn can write again."""
    monkeypatch.setattr(leases, "RENEWAL", 0.02)
    async with asyncio.timeout(30), open_store(StoreSettings()) as opened:
        async with opened.turn_lock("thr_anna"):
            intruder.take_lease()
            with pytest.raises(StoreUnavailableError, match="interrupted"):
                await write_forever(opened)
            with pytest.raises(StoreUnavailableError, match="interrupted"):
                await asyncio.create_task(opened.delete_thread("thr_anna", ANNA))
            # Where a write checks the lease itself, not even the first one got through.
            assert await item_ids(opened) in ([], ["question"])
        intruder.delete_lease()
        await take_turn(opened, "next")


async def test_process_that_stood_still_asks_before_it_writes(
    store: ChatStore, intruder: Intruder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn goes on after a long pause unless another process has taken its thread."""
    pause = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + pause)
    monkeypatch.setattr(leases, "time", clock)
    async with store.turn_lock("thr_anna"):
        pause += 2 * leases.LIFETIME
        await store.save_item("thr_anna", make_message("question"), ANNA)
        intruder.take_lease()
        pause += 2 * leases.LIFETIME
        with pytest.raises(StoreUnavailableError, match="interrupted"):
            await store.save_item("thr_anna", make_message("answer"), ANNA)
    assert await item_ids(store) == ["question"]


@pytest.mark.parametrize("place", range(4))
async def test_cancelled_turn_leaves_no_lease(
    store: ChatStore, intruder: Intruder, place: int
) -> None:
    """Wherever a turn is cancelled, the next one does not wait until its lease ends."""
    turn = asyncio.create_task(take_turn(store, "cancelled"))
    for _ in range(place):
        await asyncio.sleep(0)
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    assert intruder.count_leases() == 0


async def test_cancelled_waiter_leaves_the_turn_alone(
    store: ChatStore, other: ChatStore, intruder: Intruder
) -> None:
    """A turn that waits can be cancelled, and does not end the one that runs."""
    async with store.turn_lock("thr_anna"):
        waiting = asyncio.create_task(take_turn(other, "cancelled"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert intruder.count_leases() == 1
    assert intruder.count_leases() == 0
    assert await item_ids(store) == []


async def test_unknown_ids_have_no_turns(store: ChatStore) -> None:
    """An id that no thread can have is not found."""
    for thread_id in ("nul\0", "long" * 1000):
        with pytest.raises(NotFoundError):
            await store.turn_lock(thread_id).__aenter__()


async def test_counts_are_shared(store: ChatStore, other: ChatStore) -> None:
    """All processes count together, each key separately."""
    counts = await asyncio.gather(
        *(opened.counters().incr("anna", 60) for opened in (store, other) for _ in range(10))
    )
    assert sorted(counts) == list(range(1, 21))
    assert await other.counters().incr("nul\0 and \ud800", 60, 5) == 5
    assert await store.counters().get("nul\0 and \ud800") == 5
    assert await store.counters().get("unknown") == 0
    await store.counters().clear("anna")
    assert await other.counters().incr("anna", 60) == 1
    assert await store.counters().check()


async def test_window_begins_with_the_first_hit(
    store: ChatStore, other: ChatStore, intruder: Intruder
) -> None:
    """A counter expires a window's length after the first hit, and is deleted later."""
    counters = store.counters()
    assert [await counters.incr("anna", 60) for _ in range(2)] == [1, 2]
    assert await counters.incr("anna", 3600) == 3
    assert await counters.get_expiry("anna") - time.time() == pytest.approx(60, abs=30)
    intruder.expire_counters()
    assert await counters.get("anna") == 0
    assert await counters.get_expiry("anna") <= time.time()
    assert await counters.incr("anna", 60) == 1
    intruder.expire_counters()
    # The first hit that another process counts.
    await other.counters().incr("bert", 60)
    assert intruder.count_counters() == 1


async def test_limits_are_kept_over_all_processes(store: ChatStore, other: ChatStore) -> None:
    """The library's strategy allows as many hits as the limit says, in all processes together."""
    limit = parse("5/minute")
    allowed = [
        await FixedWindowRateLimiter(opened.counters()).hit(limit, "anna")
        for _ in range(4)
        for opened in (store, other)
    ]
    assert allowed == [True] * 5 + [False] * 3
