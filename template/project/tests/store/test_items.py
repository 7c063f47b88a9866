"""Items and their feedback are kept as they were saved."""

import pytest
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    HiddenContextItem,
    InferenceOptions,
    ThreadItem,
    UserMessageItem,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)

from app.base import ChatStore
from tests.store.samples import ANNA, NOW, item_ids, make_message

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("thread")]

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
async def test_every_field_is_kept(store: ChatStore, item: ThreadItem) -> None:
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
async def test_text_is_kept_exactly(store: ChatStore, text: str) -> None:
    """No character of a message is lost, changed or refused."""
    await store.add_thread_item("thr_anna", make_message("item", text), ANNA)
    assert await store.load_item("thr_anna", "item", ANNA) == make_message("item", text)


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


async def test_changed_item_keeps_its_place(store: ChatStore) -> None:
    """Adding or saving an item again replaces it and does not move it."""
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


async def test_new_item_can_be_saved(store: ChatStore) -> None:
    """`save_item` appends an item that was never added."""
    await store.save_item("thr_anna", make_message("item"), ANNA)
    assert await item_ids(store) == ["item"]


async def test_deleted_item_is_gone(store: ChatStore) -> None:
    """The others keep their order, and the same id can be added again at the end."""
    for item_id in ("one", "two", "three"):
        await store.add_thread_item("thr_anna", make_message(item_id), ANNA)
    await store.delete_thread_item("thr_anna", "two", ANNA)
    assert await item_ids(store) == ["one", "three"]
    await store.add_thread_item("thr_anna", make_message("two"), ANNA)
    assert await item_ids(store) == ["one", "three", "two"]


async def test_deleting_an_unknown_item_does_nothing(store: ChatStore) -> None:
    """The SDK also deletes items that were streamed and never stored."""
    await store.add_thread_item("thr_anna", make_message("item"), ANNA)
    await store.delete_thread_item("thr_anna", "never_stored", ANNA)
    assert await item_ids(store) == ["item"]


async def test_feedback_is_kept_for_each_item(store: ChatStore) -> None:
    """Later feedback replaces earlier feedback, and is deleted with its item."""
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
