"""Threads, items and feedback in a relational database."""

import json
from collections.abc import Sequence

from chatkit.store import NotFoundError
from chatkit.types import FeedbackKind, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from app.base import ChatStore, RequestContext
from app.database import queries
from app.database.interface import Database
from app.database.queries import clamp, ids, to_page, valid_id

_THREAD_FIELDS = set(ThreadMetadata.model_fields)
_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class SqlStore(ChatStore):
    """Keeps threads and items as JSON, in the order in which they were first saved.

    Every method is one statement, and another one only to find out why it changed nothing.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Return the user's thread."""
        rows = await self.database.read(queries.LOAD_THREAD, ids(context, thread=thread_id))
        if not rows:
            raise NotFoundError(thread_id)
        return _load_thread(*rows[0][1:])

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Replace the user's thread, except for its title, or create it."""
        # The SDK also hands over a `Thread`, whose page of items must not be kept.
        payload = thread.model_dump_json(include=_THREAD_FIELDS)
        title = None if thread.title is None else _storable(thread.title)
        parameters = {**ids(context, thread=thread.id), "payload": payload, "title": title}
        if not await self.database.write(queries.SAVE_THREAD, parameters):
            raise NotFoundError(thread.id)

    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the title of the user's thread, whatever it was."""
        parameters = {**ids(context, thread=thread_id), "title": _storable(title)}
        rows = await self.database.write(queries.RENAME_THREAD, parameters)
        if not rows:
            raise NotFoundError(thread_id)
        return _load_thread(*rows[0][1:])

    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of the user's thread if it has none; return the one it has now."""
        parameters = {**ids(context, thread=thread_id), "title": _storable(title)}
        rows = await self.database.write(queries.PROPOSE_TITLE, parameters)
        if not rows:
            raise NotFoundError(thread_id)
        return str(rows[0][0])

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """Return a page of the user's threads."""
        limit = clamp(limit)
        key = ids(context) if after is None else ids(context, thread=after)
        statement = queries.THREAD_PAGES[order == "asc", after is not None]
        rows = await self.database.read(statement, {**key, "limit": limit + 1})
        if not rows and after is not None:
            await self.load_thread(after, context)
        return to_page(rows, limit, _load_thread)

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """Delete the user's thread; the database deletes its items and feedback with it."""
        if not await self.database.write(queries.DELETE_THREAD, ids(context, thread=thread_id)):
            raise NotFoundError(thread_id)

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Return an item of the user's thread."""
        key = ids(context, thread=thread_id, item=item_id)
        rows = await self.database.read(queries.LOAD_ITEM, key)
        if not rows:
            raise NotFoundError(item_id)
        return _ITEM.validate_json(rows[0][1])

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        """Save the item; one that continues over several turns is added again."""
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Replace the item where it stands, or append it to the user's thread."""
        key = ids(context, thread=thread_id, item=item.id)
        parameters = {**key, "payload": item.model_dump_json()}
        if not await self.database.write(queries.SAVE_ITEM, parameters):
            raise NotFoundError(thread_id)

    async def load_thread_items(
        self,
        thread_id: str,
        after: str | None,
        limit: int,
        order: str,
        context: RequestContext,
    ) -> Page[ThreadItem]:
        """Return a page of the items of the user's thread."""
        limit = clamp(limit)
        key = ids(context, thread=thread_id)
        if after is not None:
            key = ids(context, thread=thread_id, item=after)
        statement = queries.ITEM_PAGES[order == "asc", after is not None]
        rows = await self.database.read(statement, {**key, "limit": limit + 1})
        if not rows:
            await self._require(thread_id, after, context)
        return to_page(rows, limit, _ITEM.validate_json)

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        """Delete the item, if there is one: the SDK also removes items it never stored."""
        key = ids(context, thread=thread_id, item=item_id)
        if not await self.database.write(queries.DELETE_ITEM, key):
            await self.load_thread(thread_id, context)

    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Replace the user's feedback on each item."""
        if not item_ids:
            await self.load_thread(thread_id, context)
            return
        key = ids(context, thread=thread_id)
        named = sorted(set(map(valid_id, item_ids)))
        parameters = {**key, "items": json.dumps(named), "count": len(named), "kind": kind}
        if not await self.database.write(queries.SAVE_FEEDBACK, parameters):
            raise NotFoundError(", ".join(named))

    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the feedback in the user's thread by item id."""
        rows = await self.database.read(queries.LOAD_FEEDBACK, ids(context, thread=thread_id))
        if not rows:
            raise NotFoundError(thread_id)
        return {item_id: kind for item_id, kind in rows if item_id is not None}

    async def ping(self) -> str | None:
        """Return if the database can be written to and has the tables that this code needs."""
        await self.database.ping()
        return None

    async def _require(self, thread_id: str, item_id: str | None, context: RequestContext) -> None:
        """Raise `NotFoundError` unless the user has the thread and, if named, the item in it."""
        if item_id is None:
            await self.load_thread(thread_id, context)
        else:
            await self.load_item(thread_id, item_id, context)


def _load_thread(payload: str, title: str | None) -> ThreadMetadata:
    thread = ThreadMetadata.model_validate_json(payload)
    thread.title = title
    return thread


def _storable(title: str) -> str:
    """Remove what a column of text cannot hold in every database; a payload escapes it."""
    return title.replace("\0", "")
