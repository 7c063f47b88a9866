"""A to-do list keeps its limits, and what several change at once."""

import asyncio

import pytest

from app import tasks as module
from app.base import ChatStore
from app.records import records_of
from app.tasks import MAX_NOTES_LENGTH, MAX_TITLE_LENGTH, TaskError, Tasks

pytestmark = pytest.mark.anyio


@pytest.fixture
def tasks(store: ChatStore) -> Tasks:
    """The lists of an empty store."""
    return Tasks(records_of(store))


async def test_list_keeps_its_order(tasks: Tasks) -> None:
    """A changed task stays where it is."""
    first, second = [await tasks.add("alice", title) for title in ("Buy tea", "Make tea")]
    changed = await tasks.change("alice", first.id, notes="Green", done=True)
    assert await tasks.listed("alice") == [changed, second]
    assert (changed.title, changed.notes, changed.done) == ("Buy tea", "Green", True)
    assert await tasks.delete("alice", first.id) == changed
    assert await tasks.listed("alice") == [second]


async def test_changes_at_once_are_all_kept(tasks: Tasks) -> None:
    """Each change keeps the others' fields."""
    task = await tasks.add("alice", "Buy tea")
    await asyncio.gather(
        tasks.change("alice", task.id, title="Buy more tea"),
        tasks.change("alice", task.id, notes="Green"),
        tasks.change("alice", task.id, done=True),
    )
    [changed] = await tasks.listed("alice")
    assert (changed.title, changed.notes, changed.done) == ("Buy more tea", "Green", True)


async def test_texts_are_limited_and_cleaned(tasks: Tasks) -> None:
    """The longest texts are kept; longer ones, and empty titles, are refused."""
    longest = await tasks.add("alice", "ü" * MAX_TITLE_LENGTH, "\U0001f375" * MAX_NOTES_LENGTH)
    assert await tasks.listed("alice") == [longest]
    for changes in ({"title": "x" * (MAX_TITLE_LENGTH + 1)}, {"title": " \n"}):
        with pytest.raises(TaskError):
            await tasks.change("alice", longest.id, **changes)
    with pytest.raises(TaskError):
        await tasks.change("alice", longest.id, notes="x" * (MAX_NOTES_LENGTH + 1))
    assert (await tasks.add("alice", " Buy\n tea\0 ")).title == "Buy tea"


async def test_lists_are_limited(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full list takes no more, until something is deleted; others' lists do not matter."""
    monkeypatch.setattr(module, "MAX_TASKS", 2)
    first, _ = [await tasks.add("alice", "Buy tea") for _ in range(2)]
    with pytest.raises(TaskError, match="already has 2 tasks"):
        await tasks.add("alice", "Make tea")
    await tasks.add("bob", "Make tea")
    await tasks.delete("alice", first.id)
    await tasks.add("alice", "Make tea")


async def test_unknown_ids(tasks: Tasks) -> None:
    """Another user's task, and what cannot be an id, do not exist."""
    task = await tasks.add("alice", "Buy tea")
    own = ("", "\0", "x" * 999)
    for user_id, task_id in (("bob", task.id), *(("alice", task_id) for task_id in own)):
        with pytest.raises(TaskError, match="There is no task with this id"):
            await tasks.change(user_id, task_id, done=True)
        with pytest.raises(TaskError, match="There is no task with this id"):
            await tasks.delete(user_id, task_id)
