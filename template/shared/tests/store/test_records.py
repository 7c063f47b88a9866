"""Documents are kept by owner; what has expired, or is another owner's, is missing."""

import asyncio
import time

import pytest
from chatkit.store import NotFoundError

from app.base import ChatStore
from app.records import Records, records_of

pytestmark = pytest.mark.anyio

ODD_NAMES = ["a:b", "*", "{a}", "a b", "Ä", "a%", "a_", "'", '"', "\\", "x" * 255]


@pytest.fixture
def records(store: ChatStore) -> Records:
    """Empty records."""
    return records_of(store)


async def test_document_is_kept(records: Records) -> None:
    """A document comes back as it was, and as an object of its own."""
    value = {"text": "Milk 🥛 \x00", "done": False, "tags": ["a"], "nested": {"b": None, "a": 1.5}}
    assert await records.add("tasks", "anna", "1", value)
    loaded = await records.load("tasks", "anna", "1")
    assert loaded == value
    loaded["text"] = "changed"
    assert await records.load("tasks", "anna", "1") == value


async def test_key_is_taken_once(records: Records) -> None:
    """Of many who add the same document at once, one does, and its document stays."""
    added = await asyncio.gather(
        *(records.add("tasks", "anna", "1", {"number": number}) for number in range(10))
    )
    assert added.count(True) == 1
    assert await records.load("tasks", "anna", "1") == {"number": added.index(True)}


@pytest.mark.parametrize(
    ("kind", "owner", "key"),
    [("tasks", "bert", "1"), ("notes", "anna", "1"), ("tasks", "anna", "2")],
)
async def test_others_are_missing(records: Records, kind: str, owner: str, key: str) -> None:
    """Another kind, owner or key is another document."""
    value = {"text": "Milk"}
    await records.add("tasks", "anna", "1", value)
    assert await records.load(kind, owner, key) is None
    assert not await records.replace(kind, owner, key, {}, value)
    assert not await records.delete(kind, owner, key)
    assert await records.add(kind, owner, key, {"text": "Bread"})
    assert await records.load("tasks", "anna", "1") == value


async def test_replaced_once(records: Records) -> None:
    """Of those who replace the same document at once, one does."""
    await records.add("tasks", "anna", "1", {"count": 0})
    replaced = await asyncio.gather(
        *(
            records.replace("tasks", "anna", "1", {"count": number}, {"count": 0})
            for number in range(1, 10)
        )
    )
    assert replaced.count(True) == 1
    assert await records.load("tasks", "anna", "1") == {"count": replaced.index(True) + 1}


async def test_order_of_fields_does_not_matter(records: Records) -> None:
    """The same document, written in another order, is the one that is replaced."""
    await records.add("tasks", "anna", "1", {"a": 1, "b": 2})
    assert await records.replace("tasks", "anna", "1", {"a": 3}, {"b": 2, "a": 1})


async def test_listed_in_the_order_they_were_added(records: Records) -> None:
    """A document keeps its place when it is replaced; the list ends at the limit."""
    for key in ("c", "a", "b", "d"):
        await records.add("tasks", "anna", key, {"key": key})
        await records.add("tasks", "bert", key, {"key": "another"})
    await records.replace("tasks", "anna", "c", {"key": "new"}, {"key": "c"})
    await records.delete("tasks", "anna", "b")
    expected = [("c", {"key": "new"}), ("a", {"key": "a"}), ("d", {"key": "d"})]
    assert await records.listed("tasks", "anna", 10) == expected
    assert await records.listed("tasks", "anna", 2) == expected[:2]


async def test_all_of_an_owner_are_deleted(records: Records) -> None:
    """Other kinds and other owners keep theirs."""
    for kind, owner in (("tasks", "anna"), ("tasks", "bert"), ("notes", "anna")):
        for key in ("1", "2"):
            await records.add(kind, owner, key, {})
    assert await records.delete_all("tasks", "anna") == 2
    assert await records.delete_all("tasks", "anna") == 0
    assert await records.listed("tasks", "anna", 10) == []
    assert len(await records.listed("tasks", "bert", 10)) == 2
    assert len(await records.listed("notes", "anna", 10)) == 2


async def test_expired_is_missing(records: Records) -> None:
    """A document that has expired is not there in any respect, and its key is free."""
    past, future = time.time() - 1, time.time() + 3600
    await records.add("sessions", "anna", "old", {"n": 1}, expires_at=past)
    await records.add("sessions", "anna", "new", {"n": 2}, expires_at=future)
    assert await records.load("sessions", "anna", "old") is None
    assert not await records.replace("sessions", "anna", "old", {}, {"n": 1})
    assert await records.listed("sessions", "anna", 10) == [("new", {"n": 2})]
    assert not await records.delete("sessions", "anna", "old")
    assert await records.add("sessions", "anna", "old", {"n": 3}, expires_at=future)
    assert await records.load("sessions", "anna", "old") == {"n": 3}
    assert await records.delete_all("sessions", "anna") == 2


async def test_replacing_keeps_the_expiry(records: Records) -> None:
    """A change does not extend the life of a document."""
    end = time.time() + 1.2
    await records.add("sessions", "anna", "1", {"n": 1}, expires_at=end)
    assert await records.replace("sessions", "anna", "1", {"n": 2}, {"n": 1})
    await asyncio.sleep(max(end - time.time(), 0) + 0.05)
    assert await records.load("sessions", "anna", "1") is None


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names(records: Records, name: str) -> None:
    """Owners and keys may be any text."""
    await records.add("tasks", name, name, {"name": name})
    assert await records.listed("tasks", name, 10) == [(name, {"name": name})]
    for other in ("a", "a:b:", "b", "A%"):
        assert await records.load("tasks", other, name) is None
        assert await records.load("tasks", name, other) is None


@pytest.mark.parametrize("name", ["a\0b", "x" * 256])
async def test_impossible_names(records: Records, name: str) -> None:
    """What cannot be a name is not found in any store, or kept faithfully."""
    try:
        await records.add("tasks", "anna", name, {"n": 1})
    except NotFoundError:
        return
    assert await records.load("tasks", "anna", name) == {"n": 1}
