"""Threads, items and feedback in Redis."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem, ThreadMetadata
from limits.aio.storage import Storage
from pydantic import TypeAdapter

from app.base import ChatStore, RequestContext
from app.leases import Lease, Leases
from app.redis_store import scripts
from app.redis_store.counters import Counters
from app.redis_store.keys import THREAD, key_of_lease, keys_of_thread, keys_of_user, valid_id
from app.redis_store.server import RedisServer

MAX_PAGE = 10_000
"""Maximum entries of a page; the ChatKit client requests 9999 threads at once."""

_THREAD_FIELDS = set(ThreadMetadata.model_fields) - {"title"}
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class RedisStore(ChatStore):
    """Keeps threads and items as JSON, in the order in which they were first saved.

    Every method is one script. A thread carries its owner, and a user only lists their own.

    Args:
        server: The connections.
        leases: Orders the turns of all processes.
        lifetime: How long a thread is kept after the last write, in milliseconds; 0: forever.
    """

    def __init__(self, server: RedisServer, leases: Leases, lifetime: int) -> None:
        self.server = server
        self.leases = leases
        self._lifetime = lifetime
        self._counters = Counters(server)

    def turn_lock(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that keeps other processes from answering in the thread."""
        return self.leases.hold(valid_id(thread_id))

    def counters(self) -> Storage:
        """Return where messages are counted for `RATE_LIMIT`: in Redis."""
        return self._counters

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Return the user's thread."""
        return _load_thread(await self._read(scripts.LOAD_THREAD, thread_id, context))

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Replace the user's thread, except for its title, or create it."""
        # The SDK also hands over a `Thread`, whose page of items must not be kept.
        payload = thread.model_dump_json(include=_THREAD_FIELDS)
        title = ["0"] if thread.title is None else ["1", thread.title]
        await self._write(scripts.SAVE_THREAD, thread.id, context, payload, *title)

    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the title of the user's thread, whatever it was."""
        return _load_thread(await self._write(scripts.RENAME_THREAD, thread_id, context, title))

    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of the user's thread if it has none; return the one it has now."""
        return str(await self._write(scripts.PROPOSE_TITLE, thread_id, context, title))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the user's threads."""
        limit = _clamp(limit)
        key, _ = keys_of_user(valid_id(context.user_id))
        found = await self.server.execute(
            scripts.THREAD_PAGE,
            [key],
            [context.user_id, THREAD, order, limit + 1, *_cursor(after)],
        )
        if found is None:
            raise NotFoundError(after)
        return _to_page([_load_thread(entry) for entry in found], limit)

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """Delete the user's thread, its items and their feedback."""
        await self._write(scripts.DELETE_THREAD, thread_id, context)

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Return an item of the user's thread."""
        return _ITEM.validate_json(await self._read(scripts.LOAD_ITEM, thread_id, context, item_id))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        """Save the item; one that continues over several turns is added again."""
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Replace the item where it stands, or append it to the user's thread."""
        payload = item.model_dump_json()
        await self._write(scripts.SAVE_ITEM, thread_id, context, valid_id(item.id), payload)

    async def load_thread_items(
        self,
        thread_id: str,
        after: str | None,
        limit: int,
        order: str,
        context: RequestContext,
    ) -> Page[ThreadItem]:
        """Return a page of the items of the user's thread."""
        limit = _clamp(limit)
        found = await self._read(
            scripts.ITEM_PAGE, thread_id, context, order, limit + 1, *_cursor(after)
        )
        return _to_page([_ITEM.validate_json(payload) for payload in found], limit)

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        """Delete the item, if there is one: the SDK also removes items it never stored."""
        await self._write(scripts.DELETE_ITEM, thread_id, context, item_id)

    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Replace the user's feedback on each item."""
        await self._write(scripts.SAVE_FEEDBACK, thread_id, context, kind, *item_ids)

    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the feedback in the user's thread by item id."""
        found = await self._read(scripts.LOAD_FEEDBACK, thread_id, context)
        return dict(zip(found[::2], found[1::2], strict=True))

    async def ping(self) -> str | None:
        """Write to Redis, and return a warning if it may lose conversations."""
        return _warning(await self.server.ping())

    async def _read(
        self, script: str, thread_id: str, context: RequestContext, *arguments: str | int
    ) -> Any:
        return await self._run(script, thread_id, context, None, arguments)

    async def _write(
        self, script: str, thread_id: str, context: RequestContext, *arguments: str | int
    ) -> Any:
        lease = await self.leases.require()
        return await self._run(script, thread_id, context, lease, arguments)

    async def _run(
        self,
        script: str,
        thread_id: str,
        context: RequestContext,
        lease: Lease | None,
        arguments: Sequence[str | int],
    ) -> Any:
        """Run a script about a thread.

        Args:
            script: Begins like all of `app.redis_store.scripts` that are about a thread.
            thread_id: The thread.
            context: Its user.
            lease: What the running turn must still have, if there is one.
            arguments: More arguments of the script.

        Raises:
            NotFoundError: The thread, or what the script is about, is not the user's.
        """
        keys = [
            *keys_of_thread(valid_id(thread_id)),
            *keys_of_user(valid_id(context.user_id)),
            key_of_lease(lease.thread_id if lease else thread_id),
        ]
        holder = lease.holder if lease else ""
        common = (context.user_id, thread_id, self._lifetime, holder)
        found = await self.server.execute(script, keys, [*common, *arguments])
        if found is None:
            raise NotFoundError(thread_id)
        return found


def _load_thread(stored: Sequence[Any]) -> ThreadMetadata:
    payload, title = stored
    thread = ThreadMetadata.model_validate_json(payload)
    thread.title = title
    return thread


def _cursor(after: str | None) -> list[str]:
    return [] if after is None else [after]


def _to_page(entries: list[Any], limit: int) -> Page[Any]:
    """Build a page from its entries, and one more if there is a next page."""
    shown = entries[:limit]
    more = len(entries) > len(shown)
    return Page(data=shown, has_more=more, after=shown[-1].id if more else None)


def _clamp(limit: int) -> int:
    """Return the nearest valid page size."""
    return min(max(limit, 1), MAX_PAGE)


def _warning(info: dict[str, Any] | None) -> str | None:
    """Describe how Redis may lose conversations, from the reply to INFO."""
    if info is None:
        return "The Redis user may not run INFO, so it is unknown whether Redis may lose messages."
    problems = []
    if not info.get("aof_enabled"):
        problems.append(
            "Redis has no append-only file, so a crash loses messages; set appendonly to yes."
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        problems.append(
            f"Redis deletes keys when its memory is full; set maxmemory-policy to noeviction,"
            f" not {policy}."
        )
    return " ".join(problems) or None
