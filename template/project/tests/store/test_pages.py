"""Lists of threads and items are read page by page."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from chatkit.types import Page

from app.base import ChatStore
from tests.store.samples import ANNA, BERT, make_message, make_thread

pytestmark = pytest.mark.anyio

CountWork = Callable[[Awaitable[object]], Coroutine[Any, Any, int]]
"""Awaits a call and returns what it cost, in a unit of the store's own."""


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
@pytest.mark.usefixtures("thread")
async def test_pages_of_items_join_up(store: ChatStore, limit: int, order: str) -> None:
    """At every size and in both directions, no item is missing or repeated."""
    ids = [f"item_{number}" for number in range(7)]
    for item_id in ids:
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    seen: list[str] = []
    after: str | None = None
    for _ in range(0, len(ids), limit):
        page = await store.load_thread_items("thr_anna", after, limit, order, ANNA)
        seen += [item.id for item in page.data]
        assert page.has_more is (len(seen) < len(ids))
        after = page.after
        assert after == (seen[-1] if page.has_more else None)
    assert seen == (ids if order == "asc" else ids[::-1])


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_pages_of_threads_join_up(store: ChatStore, limit: int, order: str) -> None:
    """Threads of the same moment are in the order they were created in, without other users'."""
    ids = [f"thr_{number}" for number in (3, 1, 4, 0, 2)]
    for thread_id in ids:
        await store.save_thread(make_thread(thread_id), ANNA)
        await store.save_thread(make_thread(f"{thread_id}_of_bert"), BERT)
    seen: list[str] = []
    after: str | None = None
    for _ in range(0, len(ids), limit):
        page = await store.load_threads(limit, after, order, ANNA)
        seen += [thread.id for thread in page.data]
        assert page.has_more is (len(seen) < len(ids))
        after = page.after
    assert seen == (ids if order == "asc" else ids[::-1])


@pytest.mark.usefixtures("thread")
async def test_page_after_the_last_entry_is_empty(store: ChatStore) -> None:
    """A cursor at the end is not an error."""
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    assert await store.load_thread_items("thr_anna", "item", 5, "asc", ANNA) == Page()
    assert await store.load_threads(5, "thr_anna", "desc", ANNA) == Page()


@pytest.mark.parametrize("limit", [-1, 0, 10_001, 10**30])
@pytest.mark.usefixtures("thread")
async def test_any_limit_is_accepted(store: ChatStore, limit: int) -> None:
    """A limit out of range returns a page of the nearest size."""
    for item_id in ("one", "two"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    page = await store.load_thread_items("thr_anna", None, limit, "asc", ANNA)
    assert len(page.data) == (1 if limit < 1 else 2)
    assert len((await store.load_threads(limit, None, "desc", ANNA)).data) == 1


SHORT, LONG = 24, 360
"""Entries of a list; reading all of them for a page would cost 15 times as much."""

Load = Callable[[str | None, str], Coroutine[Any, Any, object]]
"""Loads ten entries after one of them, in an order."""


async def cost_of_pages(load: Load, ids: list[str], count_work: CountWork) -> dict[str, int]:
    """Return what each page at the ends of a list costs."""
    await load(None, "asc")  # What is only prepared once is not part of the cost.
    return {
        "first": await count_work(load(None, "asc")),
        "second": await count_work(load(ids[9], "asc")),
        "last": await count_work(load(ids[-11], "asc")),
        "newest": await count_work(load(None, "desc")),
        "second newest": await count_work(load(ids[-10], "desc")),
        "oldest": await count_work(load(ids[10], "desc")),
    }


def assert_no_dearer(long: dict[str, int], short: dict[str, int]) -> None:
    """Compare costs; a planner may find another way, which at most doubles them."""
    assert {page: cost for page, cost in long.items() if cost > 2 * short[page]} == {}


@pytest.mark.usefixtures("thread")
async def test_page_costs_the_same_in_a_long_thread(
    store: ChatStore, count_work: CountWork
) -> None:
    """At either end, a page of items costs what it costs in a short thread."""

    async def load(after: str | None, order: str) -> None:
        await store.load_thread_items("thr_anna", after, 10, order, ANNA)

    ids = [f"item_{number}" for number in range(LONG)]
    for item_id in ids[:SHORT]:
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    short = await cost_of_pages(load, ids[:SHORT], count_work)
    for item_id in ids[SHORT:]:
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    assert_no_dearer(await cost_of_pages(load, ids, count_work), short)


@pytest.mark.usefixtures("thread")
async def test_adding_costs_the_same_in_a_long_thread(
    store: ChatStore, count_work: CountWork
) -> None:
    """The number of the last item is found without counting."""

    async def add(number: int) -> None:
        await store.add_thread_item("thr_anna", make_message(f"item_{number}"), ANNA)

    for number in range(SHORT):
        await add(number)
    short = await count_work(add(SHORT))
    for number in range(SHORT + 1, LONG):
        await add(number)
    assert await count_work(add(LONG)) <= 2 * short


async def test_page_costs_the_same_in_a_long_list_of_threads(
    store: ChatStore, count_work: CountWork
) -> None:
    """Neither the user's other threads nor those of other users make a page cost more."""

    async def load(after: str | None, order: str) -> None:
        await store.load_threads(10, after, order, ANNA)

    ids = [f"thr_{number}" for number in range(LONG)]
    for thread_id in ids[:SHORT]:
        await store.save_thread(make_thread(thread_id), ANNA)
    short = await cost_of_pages(load, ids[:SHORT], count_work)
    for thread_id in ids[SHORT:]:
        await store.save_thread(make_thread(thread_id), ANNA)
        await store.save_thread(make_thread(f"{thread_id}_of_bert"), BERT)
    assert_no_dearer(await cost_of_pages(load, ids, count_work), short)
