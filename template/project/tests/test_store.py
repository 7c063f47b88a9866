"""What the server relies on in a store, whichever it is."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClientToolCallItem,
    HiddenContextItem,
    InferenceOptions,
    LockedStatus,
    Page,
    Thread,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)

from app.base import ChatStore, RequestContext
from app.store import StoreSettings, open_store

pytestmark = pytest.mark.anyio

ANNA = RequestContext(user_id="anna", request_id="req_1")
BERT = RequestContext(user_id="bert", request_id="req_2")
NOW = datetime(2026, 3, 29, 2, 30, 0, 123456)
"""Without a time zone, as the SDK makes them."""


@pytest.fixture
async def store(
    store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """Open an empty store."""
    for name, value in store_env.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as store:
        yield store


@pytest.fixture
async def thread(store: ChatStore) -> ThreadMetadata:
    """Save an empty thread of Anna's."""
    thread = make_thread("thr_anna")
    await store.save_thread(thread, ANNA)
    return thread


def make_thread(thread_id: str) -> ThreadMetadata:
    """Return a thread that is not saved yet."""
    return ThreadMetadata(id=thread_id, created_at=NOW)


def make_message(item_id: str, text: str = "Hi", thread_id: str = "thr_anna") -> ThreadItem:
    """Return a message of the assistant that is not saved yet."""
    return AssistantMessageItem(
        id=item_id,
        thread_id=thread_id,
        created_at=NOW,
        content=[AssistantMessageContent(text=text)],
    )


async def item_ids(store: ChatStore, thread_id: str = "thr_anna") -> list[str]:
    """Return the ids of Anna's thread, oldest first."""
    page = await store.load_thread_items(thread_id, None, 1000, "asc", ANNA)
    return [item.id for item in page.data]


async def test_a_fresh_store_is_usable_and_empty(store: ChatStore) -> None:
    """Nothing has to be prepared before the first thread."""
    await store.ping()
    assert await store.load_threads(9999, None, "desc", ANNA) == Page()


async def test_a_thread_comes_back_as_it_was_saved(store: ChatStore) -> None:
    """Every field of a thread survives, the missing time zone included."""
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


async def test_a_time_zone_is_kept_if_there_is_one(store: ChatStore) -> None:
    """An aware time comes back aware, at the same moment."""
    thread = ThreadMetadata(id="thr_1", created_at=NOW.replace(tzinfo=UTC))
    await store.save_thread(thread, ANNA)
    assert (await store.load_thread("thr_1", ANNA)).created_at == thread.created_at


async def test_a_threads_page_of_items_is_not_kept_with_it(store: ChatStore) -> None:
    """The SDK saves a `Thread` when a new thread gets its title."""
    thread = Thread(id="thr_1", created_at=NOW, title="Trip", items=Page())
    await store.save_thread(thread, ANNA)
    loaded = await store.load_thread("thr_1", ANNA)
    assert type(loaded) is ThreadMetadata
    items = await store.load_thread_items("thr_1", None, 20, "asc", ANNA)
    assert Thread(**loaded.model_dump(), items=items) == thread


async def test_a_thread_is_renamed_where_it_stands(store: ChatStore) -> None:
    """Saving a thread again changes it and not its place in the list."""
    await store.save_thread(make_thread("thr_1"), ANNA)
    await store.save_thread(make_thread("thr_2"), ANNA)
    renamed = make_thread("thr_1").model_copy(update={"title": "New"})
    await store.save_thread(renamed, ANNA)
    page = await store.load_threads(10, None, "asc", ANNA)
    assert page.data == [renamed, make_thread("thr_2")]


ITEMS: list[ThreadItem] = [
    UserMessageItem(
        id="item",
        thread_id="thr_anna",
        created_at=NOW,
        content=[UserMessageTextContent(text="Hi")],
        inference_options=InferenceOptions(model="small"),
    ),
    make_message("item"),
    ClientToolCallItem(
        id="item",
        thread_id="thr_anna",
        created_at=NOW,
        call_id="call_1",
        name="locate",
        arguments={"deep": [{"a": 1}]},
        output={"town": "Bern"},
    ),
    WorkflowItem(
        id="item",
        thread_id="thr_anna",
        created_at=NOW,
        workflow=Workflow(type="reasoning", tasks=[]),
    ),
    HiddenContextItem(
        id="item", thread_id="thr_anna", created_at=NOW, content={"secret": ["for the model"]}
    ),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.type)
@pytest.mark.usefixtures("thread")
async def test_an_item_comes_back_as_it_was_saved(store: ChatStore, item: ThreadItem) -> None:
    """Items of every type keep their type and all their fields."""
    await store.add_thread_item("thr_anna", item, ANNA)
    assert await store.load_item("thr_anna", "item", ANNA) == item


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\N{FAMILY}\N{ZERO WIDTH JOINER}\U0001f9d1\u200d\U0001f680",
        "a\0b",
        "\x01\x1b\x7f\r\n\t",
        "\\u0000 '; --",
    ],
    ids=["empty", "emoji", "nul", "control", "escapes"],
)
@pytest.mark.usefixtures("thread")
async def test_text_is_kept_exactly(store: ChatStore, text: str) -> None:
    """No character of a message is lost, changed or refused."""
    await store.add_thread_item("thr_anna", make_message("item", text), ANNA)
    assert await store.load_item("thr_anna", "item", ANNA) == make_message("item", text)


@pytest.mark.usefixtures("thread")
async def test_objects_are_not_shared_with_the_store(store: ChatStore) -> None:
    """The SDK goes on changing objects that it has saved or loaded."""
    message = make_message("item")
    assert isinstance(message, AssistantMessageItem)
    await store.add_thread_item("thr_anna", message, ANNA)
    message.content[0].text = "changed after saving"
    loaded = await store.load_item("thr_anna", "item", ANNA)
    assert isinstance(loaded, AssistantMessageItem)
    loaded.content[0].text = "changed after loading"
    metadata = (await store.load_thread("thr_anna", ANNA)).metadata
    metadata["changed"] = True
    assert await store.load_item("thr_anna", "item", ANNA) == make_message("item")
    assert (await store.load_thread("thr_anna", ANNA)).metadata == {}


@pytest.mark.usefixtures("thread")
async def test_an_item_is_replaced_where_it_stands(store: ChatStore) -> None:
    """Adding or saving an item again changes it and not its place."""
    for item_id in ("one", "two", "three"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    await store.add_thread_item("thr_anna", make_message("one", "added again"), ANNA)
    await store.save_item("thr_anna", make_message("two", "saved again"), ANNA)
    page = await store.load_thread_items("thr_anna", None, 10, "asc", ANNA)
    assert page.data == [
        make_message("one", "added again"),
        make_message("two", "saved again"),
        make_message("three"),
    ]


@pytest.mark.usefixtures("thread")
async def test_an_item_that_is_new_can_be_saved(store: ChatStore) -> None:
    """`save_item` does not ask for an item to be there."""
    await store.save_item("thr_anna", make_message("item"), ANNA)
    assert await item_ids(store) == ["item"]


@pytest.mark.usefixtures("thread")
async def test_an_id_is_only_taken_in_its_own_thread(store: ChatStore) -> None:
    """Chat Completions models call every message `__fake_id__`."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    mine = make_message("__fake_id__", "for Anna")
    yours = make_message("__fake_id__", "for Bert", "thr_bert")
    await store.add_thread_item("thr_anna", mine, ANNA)
    await store.add_thread_item("thr_bert", yours, BERT)
    assert await store.load_item("thr_anna", "__fake_id__", ANNA) == mine
    await store.delete_thread_item("thr_anna", "__fake_id__", ANNA)
    assert await store.load_item("thr_bert", "__fake_id__", BERT) == yours


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
    """Threads of the same moment are listed in the order of their making, other users' not."""
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
async def test_behind_the_last_entry_is_an_empty_page(store: ChatStore) -> None:
    """A cursor at the end is no error."""
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    assert await store.load_thread_items("thr_anna", "item", 5, "asc", ANNA) == Page()
    assert await store.load_threads(5, "thr_anna", "desc", ANNA) == Page()


@pytest.mark.parametrize("limit", [-1, 0, 10_001, 10**30])
@pytest.mark.usefixtures("thread")
async def test_any_limit_can_be_asked_for(store: ChatStore, limit: int) -> None:
    """A limit out of range gives a page of the nearest size."""
    for item_id in ("one", "two"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    page = await store.load_thread_items("thr_anna", None, limit, "asc", ANNA)
    assert len(page.data) == (1 if limit < 1 else 2)
    assert len((await store.load_threads(limit, None, "desc", ANNA)).data) == 1


@pytest.mark.parametrize("thread_id", ["thr_unknown", "thr_bert", "", "nul\0", "long" * 1000])
async def test_unknown_and_foreign_threads_are_not_found(store: ChatStore, thread_id: str) -> None:
    """Every method raises the same for what does not exist and for what is somebody else's."""
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
        store.delete_thread(thread_id, ANNA),
        store.save_feedback(thread_id, ["item"], "positive", ANNA),
        store.load_feedback(thread_id, ANNA),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await store.load_item("thr_bert", "item", BERT) == make_message("item")
    assert await store.load_feedback("thr_bert", BERT) == {}


async def test_a_foreign_thread_cannot_be_overwritten(store: ChatStore) -> None:
    """A thread stays with the user who made it."""
    await store.save_thread(make_thread("thr_bert"), BERT)
    stolen = make_thread("thr_bert").model_copy(update={"title": "stolen"})
    with pytest.raises(NotFoundError):
        await store.save_thread(stolen, ANNA)
    assert await store.load_thread("thr_bert", BERT) == make_thread("thr_bert")
    assert (await store.load_threads(10, None, "desc", ANNA)).data == []


@pytest.mark.parametrize("item_id", ["unknown", "of_bert", "", "nul\0", "long" * 1000])
@pytest.mark.usefixtures("thread")
async def test_unknown_items_are_not_found(store: ChatStore, item_id: str) -> None:
    """An item is neither loaded nor a cursor unless it is in that very thread."""
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
async def test_a_deleted_item_is_gone(store: ChatStore) -> None:
    """The others stay, in order, and the same id can come again at the end."""
    for item_id in ("one", "two", "three"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    await store.delete_thread_item("thr_anna", "two", ANNA)
    assert await item_ids(store) == ["one", "three"]
    await store.add_thread_item("thr_anna", make_message("two"), ANNA)
    assert await item_ids(store) == ["one", "three", "two"]


@pytest.mark.usefixtures("thread")
async def test_deleting_an_item_that_is_not_there_does_nothing(store: ChatStore) -> None:
    """The SDK also deletes items that were only ever streamed."""
    await store.delete_thread_item("thr_anna", "never_stored", ANNA)


@pytest.mark.usefixtures("thread")
async def test_a_deleted_thread_is_gone_with_all_that_was_in_it(store: ChatStore) -> None:
    """Neither late items nor a thread of the same id bring anything back."""
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    await store.save_feedback("thr_anna", ["item"], "positive", ANNA)
    await store.delete_thread("thr_anna", ANNA)
    for call in (
        store.load_thread("thr_anna", ANNA),
        store.load_item("thr_anna", "item", ANNA),
        store.delete_thread("thr_anna", ANNA),
        store.add_thread_item("thr_anna", make_message("late"), ANNA),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert (await store.load_threads(10, None, "desc", ANNA)).data == []
    await store.save_thread(make_thread("thr_anna"), ANNA)
    assert await item_ids(store) == []
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    assert await store.load_feedback("thr_anna", ANNA) == {}


@pytest.mark.usefixtures("thread")
async def test_feedback_is_kept_for_each_item(store: ChatStore) -> None:
    """A later verdict replaces an earlier one, and goes with its item."""
    for item_id in ("one", "two", "three"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    await store.save_feedback("thr_anna", ["one", "two", "two"], "positive", ANNA)
    await store.save_feedback("thr_anna", ["two", "three"], "negative", ANNA)
    await store.save_feedback("thr_anna", [], "negative", ANNA)
    expected = {"one": "positive", "two": "negative", "three": "negative"}
    assert await store.load_feedback("thr_anna", ANNA) == expected
    await store.delete_thread_item("thr_anna", "two", ANNA)
    await store.add_thread_item("thr_anna", make_message("two"), ANNA)
    del expected["two"]
    assert await store.load_feedback("thr_anna", ANNA) == expected


@pytest.mark.usefixtures("thread")
async def test_items_that_come_at_once_all_survive(store: ChatStore) -> None:
    """Tasks that write into one thread do not get into each other's way."""
    ids = {f"item_{number}" for number in range(50)}
    await asyncio.gather(
        *(store.add_thread_item("thr_anna", make_message(item_id), ANNA) for item_id in ids)
    )
    kept = await item_ids(store)
    assert len(kept) == len(ids)
    assert set(kept) == ids


@pytest.mark.usefixtures("thread")
async def test_deleting_a_thread_while_items_come_leaves_no_ghost(store: ChatStore) -> None:
    """Items either go with the thread or are refused."""
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


async def test_new_ids_are_long_and_differ(store: ChatStore) -> None:
    """An id has 128 random bits behind its prefix."""
    ids = {store.generate_thread_id(ANNA) for _ in range(100)}
    assert len(ids) == 100
    assert {len(thread_id) for thread_id in ids} == {len("thr_") + 32}
