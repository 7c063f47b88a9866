"""Stores what a turn's events say, and what the user has seen of an answer that is not finished."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from datetime import datetime
from typing import TypeVar

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    HiddenContextItem,
    SDKHiddenContextItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WorkflowItem,
)

from app.base import ChatStore, RequestContext, StoreUnavailableError
from app.text import repaired

STORE_PATIENCE = 5.0
"""How long a turn waits for a store that does not answer, in seconds: longer than a restart."""

BROKEN_OFF = "The answer broke off because of an error. The user saw only what is stored."
"""Tells the model about an answer that is not finished."""

_PAUSE = 0.2
"""Between two attempts to write, in seconds."""

Result = TypeVar("Result")

ApplyUpdate = Callable[[dict[str, ThreadItem], ThreadItemUpdatedEvent], None]
"""Applies an update to one of the items, by id."""


class Recording:
    """One turn's changes to its thread.

    Args:
        store: Where they are stored.
        thread: The turn's own copy of the thread, which the agent may change.
        context: The turn's request.
        apply_update: Brings an item that streams up to date.
        replaces: Ids of the items that give way to the answer as soon as a part of it is stored.
    """

    def __init__(
        self,
        store: ChatStore,
        thread: ThreadMetadata,
        context: RequestContext,
        apply_update: ApplyUpdate,
        replaces: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._thread = thread
        self._context = context
        self._apply_update = apply_update
        self._replaced = dict.fromkeys(replaces)
        self._is_retry = bool(replaces)
        self._has_stored = False
        self._saved = _snapshot(thread)
        self._give_up_at: float | None = None
        self._pending: dict[str, ThreadItem] = {}
        # Joined only when needed: adding each to its item would copy all the text so far.
        self._deltas: defaultdict[tuple[str, int], list[str]] = defaultdict(list)

    @property
    def thread_id(self) -> str:
        """The id of the turn's thread."""
        return self._thread.id

    async def record(self, event: ThreadStreamEvent) -> None:
        """Store what the event says; an item is stored when it is done."""
        match event:
            case ThreadItemUpdatedEvent():
                self._update(event)
            case ThreadItemAddedEvent():
                # The agent may go on changing its own object.
                self._pending[event.item.id] = event.item.model_copy(deep=True)
            case ThreadItemDoneEvent():
                await self.store_item(event.item)
            case ThreadItemReplacedEvent():
                await self._replace_item(event.item)
            case ThreadItemRemovedEvent():
                await self._delete_item(event.item_id)
            case _:
                pass

    async def store_item(self, item: ThreadItem) -> None:
        """Store a finished item."""
        save = self._store.add_thread_item
        await self._persist(lambda: save(self._thread.id, item, self._context))
        self._settle(item.id)
        # Tools that have run are no answer yet.
        self._has_stored = self._has_stored or not (is_hidden(item) or is_work(item))

    async def keep_stopped(self, handle: Callable[[list[ThreadItem]], Awaitable[None]]) -> None:
        """Let *handle* store what the user has seen, unless the answer did not begin."""
        readable = self._readable()
        if readable or self._has_stored or not self._is_retry:
            await self._keep_work()
            await self._persist(lambda: handle(list(self._pending.values())))
        self._has_stored = self._has_stored or bool(readable)
        await self.remove_replaced()

    async def keep_broken_off(self) -> list[ThreadItem]:
        """Store the tools that ran, and the unfinished messages that have a text; return them."""
        work = await self._keep_work()
        kept = self._readable()
        for item in kept:
            await self.store_item(item)
        if kept:
            note = SDKHiddenContextItem(
                id=self._store.generate_item_id("sdk_hidden_context", self._thread, self._context),
                thread_id=self._thread.id,
                created_at=datetime.now(),
                content=BROKEN_OFF,
            )
            await self.store_item(note)
        await self.remove_replaced()
        return [*work, *kept]

    async def remove_replaced(self) -> None:
        """Remove the former answer, if there is something in its place."""
        while self._has_stored and self._replaced:
            await self._delete_item(next(iter(self._replaced)))

    def thread_has_changed(self) -> bool:
        """Return whether the agent has changed the thread since it was saved."""
        return vars(self._thread) != self._saved

    async def save_thread(self) -> None:
        """Save the thread, and take over a title that the user has given it meanwhile."""
        thread = self._thread
        vars(thread).update(vars(repaired(thread)))
        if thread.title and thread.title != self._saved["title"]:
            title = thread.title
            propose = self._store.propose_title
            thread.title = await self._persist(lambda: propose(thread.id, title, self._context))
            self._saved["title"] = thread.title
        if self.thread_has_changed():
            await self._persist(lambda: self._store.save_thread(thread, self._context))
            thread.title = (await self._store.load_thread(thread.id, self._context)).title
        self._saved = _snapshot(thread)

    def _update(self, event: ThreadItemUpdatedEvent) -> None:
        update = event.update
        if isinstance(update, AssistantMessageContentPartTextDelta):
            self._deltas[event.item_id, update.content_index].append(update.delta)
        else:
            self._join_deltas()
            self._apply_update(self._pending, event)

    def _join_deltas(self) -> None:
        """Add the text so far to the items."""
        for (item_id, index), deltas in self._deltas.items():
            delta = AssistantMessageContentPartTextDelta(content_index=index, delta="".join(deltas))
            event = ThreadItemUpdatedEvent(item_id=item_id, update=delta)
            self._apply_update(self._pending, event)
        self._deltas.clear()

    def _readable(self) -> list[AssistantMessageItem]:
        """Return the unfinished messages of which the user has seen some text."""
        self._join_deltas()
        return [
            item
            for item in self._pending.values()
            if isinstance(item, AssistantMessageItem)
            and any(part.text.strip() for part in item.content)
        ]

    async def _keep_work(self) -> list[WorkflowItem]:
        """Store the workflows that were interrupted, without the sign that a task still runs."""
        self._join_deltas()
        work = [item for item in self._pending.values() if isinstance(item, WorkflowItem)]
        kept = [_at_rest(item) for item in work if item.workflow.tasks]
        for item in kept:
            await self.store_item(item)
        return kept

    async def _replace_item(self, item: ThreadItem) -> None:
        save = self._store.save_item
        await self._persist(lambda: save(self._thread.id, item, self._context))
        self._settle(item.id)

    async def _delete_item(self, item_id: str) -> None:
        delete = self._store.delete_thread_item
        await self._persist(lambda: delete(self._thread.id, item_id, self._context))
        self._settle(item_id)

    def _settle(self, item_id: str) -> None:
        """Note that the store has the item as the client shows it."""
        self._join_deltas()
        self._pending.pop(item_id, None)
        self._replaced.pop(item_id, None)

    async def _persist(self, write: Callable[[], Awaitable[Result]]) -> Result:
        """Write, and try again while the store does not answer.

        Raises:
            StoreUnavailableError: It has not answered for `STORE_PATIENCE` seconds.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await write()
            except StoreUnavailableError:
                # Once per turn: its other writes would not have a better chance.
                self._give_up_at = self._give_up_at or loop.time() + STORE_PATIENCE
                if loop.time() >= self._give_up_at:
                    raise
                await asyncio.sleep(_PAUSE)


def _snapshot(thread: ThreadMetadata) -> dict[str, object]:
    """Return the thread's fields, with copies of those that can change within."""
    changeable = ("status", "metadata", "allowed_image_domains")
    return {**vars(thread), **{name: deepcopy(getattr(thread, name)) for name in changeable}}


def _at_rest(item: WorkflowItem) -> WorkflowItem:
    """Return a workflow none of whose tasks run any more."""
    tasks = [
        task.model_copy(update={"status_indicator": "none"})
        if task.status_indicator == "loading"
        else task
        for task in item.workflow.tasks
    ]
    workflow = item.workflow.model_copy(update={"tasks": tasks, "expanded": False})
    return item.model_copy(update={"workflow": workflow})


def is_work(item: ThreadItem) -> bool:
    """Return whether an item shows what is done for an answer, such as a call of a tool."""
    return isinstance(item, WorkflowItem)


def is_hidden(item: ThreadItem) -> bool:
    """Return whether an item is for the model only."""
    return isinstance(item, HiddenContextItem | SDKHiddenContextItem)
