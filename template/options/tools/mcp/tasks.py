"""Each user's to-do list, in the store."""

import secrets
from typing import Any

from pydantic import BaseModel, Field

from app.records import Records

MAX_TASKS = 200
"""Tasks of one user; about as many as a model can still read."""

MAX_TITLE_LENGTH = 200
MAX_NOTES_LENGTH = 2000

_KIND = "tasks"

_ATTEMPTS = 5
"""How often to try a change, when others change the same task."""


class Task(BaseModel):
    """A task on a user's list."""

    id: str = Field(description="Names the task in calls of the other tools.")
    title: str
    notes: str = ""
    done: bool = False


class TaskError(Exception):
    """A task cannot be added or changed; the text is written for the model."""


class Tasks:
    """The to-do lists of all users; no method reaches another user's tasks.

    Every method may raise `StoreUnavailableError`.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def add(self, user_id: str, title: str, notes: str = "") -> Task:
        """Put a task at the end of the user's list.

        Raises:
            TaskError: It is too long, or the list is full; two calls at once may exceed the limit.
        """
        value = _checked({"title": title, "notes": notes, "done": False})
        if len(await self._records.listed(_KIND, user_id, MAX_TASKS)) >= MAX_TASKS:
            raise TaskError(f"The list already has {MAX_TASKS} tasks; delete some first.")
        # Short, because models repeat them; within one list they hardly ever collide.
        task_id = new_task_id()
        while not await self._records.add(_KIND, user_id, task_id, value):
            task_id = new_task_id()
        return Task(id=task_id, **value)

    async def listed(self, user_id: str) -> list[Task]:
        """Return the user's tasks, oldest first."""
        found = await self._records.listed(_KIND, user_id, MAX_TASKS)
        return [Task(id=task_id, **value) for task_id, value in found]

    async def change(self, user_id: str, task_id: str, **changes: Any) -> Task:
        """Change fields of a task, and keep what others change at the same time.

        Raises:
            TaskError: The user has no such task, or a text is too long.
        """
        for _ in range(_ATTEMPTS):
            was = await self._load(user_id, task_id)
            value = _checked({**was, **changes})
            if await self._records.replace(_KIND, user_id, task_id, value, was):
                return Task(id=task_id, **value)
        raise TaskError("Others are changing this task at the moment; try again.")

    async def delete(self, user_id: str, task_id: str) -> Task:
        """Take a task off the list, and return it.

        Raises:
            TaskError: The user has no such task.
        """
        value = await self._load(user_id, task_id)
        if not await self._records.delete(_KIND, user_id, task_id):
            raise unknown_task()
        return Task(id=task_id, **value)

    async def _load(self, user_id: str, task_id: str) -> dict[str, Any]:
        # The model may have made the id up: not every text can be a key in the store.
        if not task_id.isprintable() or len(task_id) > len(new_task_id()):
            raise unknown_task()
        value = await self._records.load(_KIND, user_id, task_id)
        if value is None:
            raise unknown_task()
        return value


def new_task_id() -> str:
    """Return a new id, such as `task_1f0c9a2e`."""
    return f"task_{secrets.token_hex(4)}"


def unknown_task() -> TaskError:
    """Return the error for a task that does not exist, or that is another user's."""
    return TaskError("There is no task with this id; list_tasks returns the ids.")


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    """Return the task's fields without what a store might refuse.

    Raises:
        TaskError: A text is empty or too long.
    """
    title = " ".join(value["title"].replace("\0", "").split())
    notes = value["notes"].replace("\0", "").strip()
    if not title:
        raise TaskError("A task needs a title.")
    for name, text, limit in (
        ("title", title, MAX_TITLE_LENGTH),
        ("notes", notes, MAX_NOTES_LENGTH),
    ):
        if len(text) > limit:
            raise TaskError(f"The {name} may have {limit} characters, not {len(text)}.")
    return {**value, "title": title, "notes": notes}
