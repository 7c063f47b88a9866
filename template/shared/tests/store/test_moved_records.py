"""Documents are moved with the conversations, in their order and with their ends."""

import time

import pytest

from app.base import ChatStore
from app.entries import Record
from app.records import records_of
from tests.store.test_records import ODD_NAMES
from tests.store.test_transfer import export, load, other, other_env, sections

__all__ = ["other", "other_env"]

pytestmark = pytest.mark.anyio

END = time.time() + 86_400.123456789
VALUE = {
    "text": "Milk \N{SLEUTH OR SPY}\0",
    "n": 1,
    "of": {"b": None, "a": [1.5, 1e22, -0.0, 2**70]},
}


async def fill(store: ChatStore) -> None:
    """Save documents of several kinds and owners, and one that has expired."""
    records = records_of(store)
    for number, name in enumerate(ODD_NAMES):
        await records.add("tasks", name, "first", {"number": number})
        await records.add("tasks", name, name, VALUE, END)
    await records.add("sessions", "anna", "old", {}, time.time() - 1)
    for key in ("c", "a", "b"):
        await records.add("sessions", "anna", key, {"key": key}, END)
    await records.add("accounts", "anna@example.com", "account", {"password": "hash"})


async def test_documents_are_moved(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """Owners find theirs as they were, in the same order; what has expired stays behind."""
    await fill(store)
    file = await export(store_env)
    outcome = await load(other_env, file)
    moved = records_of(other)
    for name in ODD_NAMES:
        found = await moved.listed("tasks", name, 10)
        assert found == await records_of(store).listed("tasks", name, 10)
    assert [key for key, _ in await moved.listed("sessions", "anna", 10)] == ["c", "a", "b"]
    assert await moved.load("accounts", "anna@example.com", "account") == {"password": "hash"}
    assert outcome.counts["records"] == 2 * len(ODD_NAMES) + 4
    assert await export(other_env) == file


async def test_documents_are_used_on(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """A document can be changed and deleted after the import; a new one comes last."""
    await fill(store)
    await load(other_env, await export(store_env))
    moved = records_of(other)
    assert await moved.replace("tasks", "a:b", "a:b", {"new": True}, VALUE)
    assert await moved.delete("sessions", "anna", "c")
    assert not await moved.add("sessions", "anna", "a", {})
    assert await moved.add("sessions", "anna", "c", {})
    assert [key for key, _ in await moved.listed("sessions", "anna", 10)] == ["a", "b", "c"]


async def test_ends_are_moved(
    store: ChatStore, other: ChatStore, store_env: dict[str, str], other_env: dict[str, str]
) -> None:
    """A document ends when it would have ended before."""
    await fill(store)
    await load(other_env, await export(store_env))
    async with sections(other_env) as opened:
        ends = {
            entry.expires_at
            for section in opened
            async for entry in section.dump()
            if isinstance(entry, Record)
        }
    assert ends == {None, END}


async def test_import_of_documents_is_resumed(
    store: ChatStore,
    other: ChatStore,
    store_env: dict[str, str],
    other_env: dict[str, str],
) -> None:
    """Documents that are there are left, and the others added."""
    await fill(store)
    file = await export(store_env)
    await records_of(other).add("accounts", "anna@example.com", "account", {"password": "hash"})
    outcome = await load(other_env, file, resume=True)
    assert outcome.found == 1
    assert await export(other_env) == file
