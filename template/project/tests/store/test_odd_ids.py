"""Ids may contain any characters, and similar ids are never confused."""

import pytest
from chatkit.store import NotFoundError
from chatkit.types import ThreadItem

from app.base import ChatStore, RequestContext, User
from tests.store.samples import ANNA, make_message, make_thread, read_all

pytestmark = pytest.mark.anyio

PARTS = ["a", "a:b", "a:b:c", "b", "b:c", "c"]
"""Joined with a colon, `a` and `b:c` are the same as `a:b` and `c`."""

IDS = [
    *PARTS,
    # Separators, patterns, templates and quotes.
    *(":", "/", "a/b", "../a", "*", "a*", "?", "[a]", "%", "_", "{}", "{a}", "$1", "'", '"', "\\"),
    # Looks like its neighbour, or is sorted as the same.
    *("A", "a ", " a", "\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}"),
    # Other scripts.
    *("Анна", "安娜", "אנה", "\N{SLEUTH OR SPY}"),
    # As long as an id can be, in characters of one byte and of four.
    *("x" * 255, "x" * 254 + "y", "\N{SLEUTH OR SPY}" * 255),
]


def make_items(thread_id: str) -> list[ThreadItem]:
    """Return a message for each of `PARTS`, and one with the id of its thread."""
    return [
        make_message(item_id, f"{item_id} in {thread_id}", thread_id)
        for item_id in dict.fromkeys([*PARTS, thread_id])
    ]


async def save_threads(store: ChatStore) -> None:
    """Save a thread of Anna's for each id, with items and feedback on one of them."""
    for thread_id in IDS:
        await store.save_thread(make_thread(thread_id), ANNA)
        for item in make_items(thread_id):
            await store.add_thread_item(thread_id, item, ANNA)
        await store.save_feedback(thread_id, [thread_id], "positive", ANNA)


async def test_users_are_isolated(store: ChatStore) -> None:
    """Each user finds all of their own threads, and none of the others'."""
    users = [RequestContext(User(user_id), request_id="req_1") for user_id in IDS]
    for turn in ("first", "second"):
        for number, user in enumerate(users):
            await store.save_thread(make_thread(f"{turn}_{number}"), user)
    for number, user in enumerate(users):
        page = await store.load_threads(1000, None, "asc", user)
        assert [thread.id for thread in page.data] == [f"first_{number}", f"second_{number}"]
        for other in set(range(len(users))) - {number}:
            with pytest.raises(NotFoundError):
                await store.load_thread(f"first_{other}", user)


async def test_threads_and_items_are_isolated(store: ChatStore) -> None:
    """Each item is found in its own thread, alone and in a page after any other."""
    await save_threads(store)
    assert await read_all(store) == [
        (make_thread(thread_id), make_items(thread_id), {thread_id: "positive"})
        for thread_id in IDS
    ]
    for thread_id in IDS:
        items = make_items(thread_id)
        for place, item in enumerate(items, start=1):
            page = await store.load_thread_items(thread_id, item.id, 100, "asc", ANNA)
            assert page.data == items[place:]


async def test_deleting_leaves_similar_ids(store: ChatStore) -> None:
    """Only the thread or the item with exactly that id is deleted."""
    await save_threads(store)
    deleted, kept = IDS[::2], IDS[1::2]
    for thread_id in deleted:
        await store.delete_thread(thread_id, ANNA)
    for thread_id in kept:
        await store.delete_thread_item(thread_id, thread_id, ANNA)
    assert await read_all(store) == [
        (
            make_thread(thread_id),
            [item for item in make_items(thread_id) if item.id != thread_id],
            {},
        )
        for thread_id in kept
    ]
