"""Shows the tools that an answer uses, as a workflow with one task per call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatkit.types import (
    CustomSummary,
    CustomTask,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from app.base import Turn

MAX_DETAILS = 200
"""Characters of a call's arguments that are shown."""


class ToolProgress:
    """Makes the events that show a turn's tools.

    Calls that run at the same time share an item of the thread. It is done, and so stored, when
    the last of them has finished.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._item: WorkflowItem | None = None
        self._tasks: list[CustomTask] = []
        self._running: list[tuple[str, int]] = []

    def started(
        self, call_id: str, name: str, arguments: Mapping[str, Any] | None = None
    ) -> list[ThreadStreamEvent]:
        """Return the events for a call that begins."""
        task = CustomTask(
            title=readable(name), content=_details(arguments), status_indicator="loading"
        )
        index = len(self._tasks)
        self._tasks.append(task)
        self._running.append((call_id, index))
        if self._item is None:
            self._item = self._new_item()
            return [ThreadItemAddedEvent(item=self._snapshot(self._item))]
        added = WorkflowTaskAdded(task_index=index, task=task)
        return [ThreadItemUpdatedEvent(item_id=self._item.id, update=added)]

    def finished(self, call_id: str, ok: bool = True) -> list[ThreadStreamEvent]:
        """Return the events for a call that ends: none if it has not begun."""
        # Not a dictionary: some models give all calls the same id.
        call = next((call for call in self._running if call[0] == call_id), None)
        if call is None or self._item is None:
            return []
        self._running.remove(call)
        index = call[1]
        task = _ended(self._tasks[index], ok)
        self._tasks[index] = task
        updated = WorkflowTaskUpdated(task_index=index, task=task)
        events: list[ThreadStreamEvent] = [
            ThreadItemUpdatedEvent(item_id=self._item.id, update=updated)
        ]
        if not self._running:
            events.append(ThreadItemDoneEvent(item=self._finished_item(self._item)))
            self._item, self._tasks = None, []
        return events

    def _new_item(self) -> WorkflowItem:
        turn = self._turn
        return WorkflowItem(
            id=turn.store.generate_item_id("workflow", turn.thread, turn.context),
            thread_id=turn.thread.id,
            created_at=datetime.now(),
            workflow=Workflow(type="custom", tasks=[], expanded=True),
        )

    def _snapshot(self, item: WorkflowItem, **changes: Any) -> WorkflowItem:
        """Return the item as it is now; what the client has been sent never changes."""
        workflow = item.workflow.model_copy(update={"tasks": list(self._tasks), **changes})
        return item.model_copy(update={"workflow": workflow})

    def _finished_item(self, item: WorkflowItem) -> WorkflowItem:
        titles = dict.fromkeys(task.title for task in self._tasks if task.title)
        return self._snapshot(item, summary=CustomSummary(title=", ".join(titles)), expanded=False)


def readable(name: str) -> str:
    """Return a tool's name as a title: `add_task` becomes `Add task`."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _ended(task: CustomTask, ok: bool) -> CustomTask:
    if ok:
        return task.model_copy(update={"status_indicator": "complete"})
    return task.model_copy(update={"status_indicator": "none", "title": f"{task.title} (failed)"})


def _details(arguments: Mapping[str, Any] | None) -> str | None:
    """Return a call's arguments in one line, if it has any."""
    text = ", ".join(f"{name}: {value}" for name, value in (arguments or {}).items())
    return (text if len(text) <= MAX_DETAILS else text[: MAX_DETAILS - 1] + "…") or None
