"""Faults of the store, of `respond`, of the server class and of the authentication."""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jwt
from chatkit.store import default_generate_id
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Page,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
)

from tests.conformance.servers.correct import Fault, Parts, module

Events = AsyncIterator[Any]


# The store.


def _order_ignored(parts: Parts) -> None:
    """Return threads oldest first, whatever was asked for."""
    original = parts.store.load_threads

    async def load_threads(limit: int, after: Any, order: str, context: Any) -> Any:
        return await original(limit, after, "asc", context)

    parts.store.load_threads = load_threads


def _item_order_ignored(parts: Parts) -> None:
    """Return items oldest first, whatever was asked for."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        return await original(thread_id, after, limit, "asc", context)

    parts.store.load_thread_items = load_thread_items


def _cursor_ignored(parts: Parts) -> None:
    """Cut a page off without a cursor, and start from the first item each time (second seed)."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await original(thread_id, None, limit, order, context)
        return Page(data=page.data, has_more=page.has_more)

    parts.store.load_thread_items = load_thread_items


def _reading_crashes(parts: Parts) -> None:
    """Crash where the whole thread is loaded, as a stored Thread does with its `items`."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        if order == "asc":
            raise TypeError("got multiple values for keyword argument 'items'")
        return await original(thread_id, after, limit, order, context)

    parts.store.load_thread_items = load_thread_items


def _first_turn_only(parts: Parts) -> None:
    """Never return more than the first two items of a thread."""
    original = parts.store.load_thread_items

    async def load_thread_items(
        thread_id: str, after: Any, limit: int, order: str, context: Any
    ) -> Any:
        page = await original(thread_id, after, limit, order, context)
        return page if order == "desc" else Page(data=page.data[:2])

    parts.store.load_thread_items = load_thread_items


def _changed_on_the_way_in(change: Callable[[Any], Any]) -> Callable[[Parts], None]:
    """Store something else than the item that was handed over."""

    def inside(parts: Parts) -> None:
        original = parts.store.add_thread_item

        async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
            await original(thread_id, change(item), context)

        parts.store.add_thread_item = add_thread_item

    return inside


def _stored_under_other_id(item: Any) -> Any:
    return item.model_copy(update={"id": f"row_{secrets.token_hex(16)}"})


def _without_quotation(item: Any) -> Any:
    mine = isinstance(item, UserMessageItem)
    return item.model_copy(update={"quoted_text": None}) if mine else item


def _message_twice(parts: Parts) -> None:
    """Store the user's message once more, as a `respond` does that does not trust the SDK."""
    original = parts.store.add_thread_item

    async def add_thread_item(thread_id: str, item: Any, context: Any) -> None:
        await original(thread_id, item, context)
        if isinstance(item, UserMessageItem):
            await original(thread_id, _stored_under_other_id(item), context)

    parts.store.add_thread_item = add_thread_item


def _titles_not_saved(parts: Parts) -> None:
    """Save a thread when it is new, and never again."""
    original = parts.store.save_thread
    known: set[str] = set()

    async def save_thread(thread: Any, context: Any) -> None:
        if thread.id not in known:
            known.add(thread.id)
            await original(thread, context)

    parts.store.save_thread = save_thread


def _time_of_reading(parts: Parts) -> None:
    """Say that a thread was made when it is read."""
    original = parts.store.load_thread

    async def load_thread(thread_id: str, context: Any) -> Any:
        thread = await original(thread_id, context)
        later = datetime.now() + timedelta(minutes=5)  # noqa: DTZ005 - the SDK's times are naive
        return thread.model_copy(update={"created_at": later})

    parts.store.load_thread = load_thread


def _not_deleted(parts: Parts) -> None:
    """Forget to delete."""

    async def delete_thread(thread_id: str, context: Any) -> None:
        await parts.store.load_thread(thread_id, context)

    parts.store.delete_thread = delete_thread


def _short_ids(parts: Parts) -> None:
    """Use the SDK's own ids."""
    parts.store.generate_thread_id = lambda context: default_generate_id("thread")
    parts.store.generate_item_id = lambda kind, thread, context: default_generate_id(kind)


_OWNED = (
    "load_thread",
    "save_thread",
    "load_thread_items",
    "add_thread_item",
    "save_item",
    "load_item",
    "delete_thread",
    "delete_thread_item",
    "save_feedback",
)


def _owner_forgotten(parts: Parts) -> None:
    """Ask nobody who they are, except for the list of threads."""
    owners: dict[str, str] = {}
    for name in _OWNED:
        _let_anybody(parts.store, name, owners)


def _let_anybody(store: Any, name: str, owners: dict[str, str]) -> None:
    original = getattr(store, name)

    async def method(first: Any, *args: Any, context: Any = None, **named: Any) -> Any:
        if context is None:
            *rest, context = args
            args = tuple(rest)
        thread_id = first if isinstance(first, str) else first.id
        owner = owners.setdefault(thread_id, context.user_id)
        return await original(first, *args, **named, context=replace(context, user_id=owner))

    setattr(store, name, method)


def _one_list_for_all(parts: Parts) -> None:
    """List the threads of whoever came first."""
    original = parts.store.load_threads
    first: list[Any] = []

    async def load_threads(limit: int, after: Any, order: str, context: Any) -> Any:
        first.append(context)
        return await original(limit, after, order, first[0])

    parts.store.load_threads = load_threads


def _foreign_is_forbidden(parts: Parts) -> None:
    """Tell a user that a thread exists, by forbidding it."""
    api_error = module("app.errors").ApiError
    original_save, original_load = parts.store.save_thread, parts.store.load_thread
    owners: dict[str, str] = {}

    async def save_thread(thread: Any, context: Any) -> None:
        owners.setdefault(thread.id, context.user_id)
        await original_save(thread, context)

    async def load_thread(thread_id: str, context: Any) -> Any:
        if owners.get(thread_id, context.user_id) != context.user_id:
            raise api_error(403, "forbidden", "This thread is not yours.")
        return await original_load(thread_id, context)

    parts.store.save_thread, parts.store.load_thread = save_thread, load_thread


# What answers.


def responding(change: Callable[[Any, Events], Events]) -> Callable[[Parts], None]:
    """Change the events of `respond`: *change* gets the turn and the right events."""

    def inside(parts: Parts) -> None:
        original = parts.agent.respond
        parts.agent.respond = lambda turn: change(turn, original(turn))

    return inside


async def _silent(turn: Any, events: Events) -> Events:
    """End without an answer, as the second seed does where there is no message."""
    async for event in events:
        if event is None:
            yield event


async def _bare_deltas(turn: Any, events: Events) -> Events:
    """Yield the updates themselves, not wrapped in an event (second seed)."""
    async for event in events:
        yield event.update if isinstance(event, ThreadItemUpdatedEvent) else event


async def _backwards(turn: Any, events: Events) -> Events:
    """Send the pieces of an item first and add it when they are all there (second seed)."""
    added = await anext(aiter(events))
    async for event in events:
        if isinstance(event, ThreadItemDoneEvent):
            yield added
        yield event


async def _new_id_at_the_end(turn: Any, events: Events) -> Events:
    """Make an id when the item is added and another one when it is done."""
    async for event in events:
        if isinstance(event, ThreadItemDoneEvent):
            yield ThreadItemDoneEvent(item=_stored_under_other_id(event.item))
        else:
            yield event


async def _pieces_lost(turn: Any, events: Events) -> Events:
    """Lose every third event's piece of text."""
    count = 0
    async for event in events:
        kind = getattr(getattr(event, "update", None), "type", "")
        count += kind.endswith("text_delta")
        if not (kind.endswith("text_delta") and count % 3 == 0):
            yield event


async def _blocking(turn: Any, events: Events) -> Events:
    """Work without ever letting go of the event loop, as a synchronous client does."""
    item = AssistantMessageItem(
        id=turn.store.generate_item_id("message", turn.thread, turn.context),
        thread_id=turn.thread.id,
        created_at=datetime.now(),  # noqa: DTZ005 - the SDK's times are naive
        content=[],
    )
    yield ThreadItemAddedEvent(item=item)
    for _ in range(2):
        yield _piece(item.id, "word ")
        await asyncio.sleep(0.01)  # lets the piece go out
        if "count" in turn.message.content[0].text:
            time.sleep(1.5)  # noqa: ASYNC251 - the mistake that is to be found
    content = [AssistantMessageContent(text="word " * 2)]
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": content}))


def _piece(item_id: str, text: str) -> Any:
    update = {"type": "assistant_message.content_part.text_delta", "content_index": 0}
    return ThreadItemUpdatedEvent.model_validate(
        {"item_id": item_id, "update": {**update, "delta": text}}
    )


def _kept_on_the_object(parts: Parts) -> None:
    """Keep the thread that is being answered on the agent, which all requests share."""
    original = parts.agent.respond
    current: list[str] = []

    async def respond(turn: Any) -> Events:
        current.append(turn.thread.id)
        async for event in original(turn):
            if isinstance(event, ThreadItemDoneEvent):
                item = event.item.model_copy(update={"thread_id": current[-1]})
                yield ThreadItemDoneEvent(item=item)
            else:
                yield event

    parts.agent.respond = respond


async def _fake_ids(turn: Any, events: Events) -> Events:
    """Pass on the id that all messages of a Chat Completions model have."""
    async for event in events:
        if isinstance(event, ThreadItemUpdatedEvent):
            yield event.model_copy(update={"item_id": "__fake_id__"})
        else:
            item = event.item.model_copy(update={"id": "__fake_id__"})
            yield event.model_copy(update={"item": item})


def _busy_for_ever(parts: Parts) -> None:
    """Mark a thread as busy, and clear the mark only after a whole answer."""
    original = parts.agent.respond
    busy: set[str] = set()

    async def respond(turn: Any) -> Events:
        if turn.thread.id in busy:
            raise RuntimeError("this thread is busy")
        busy.add(turn.thread.id)
        async for event in original(turn):
            yield event
        busy.discard(turn.thread.id)

    parts.agent.respond = respond


def remembering(history: Callable[[list[Any]], list[Any]]) -> Callable[[Parts], None]:
    """Answer out of the history, as a model does; *history* picks what it is given."""

    async def respond(turn: Any, events: Events) -> Events:
        page = await turn.store.load_thread_items(turn.thread.id, None, 100, "asc", turn.context)
        told = [
            item.content[0].text for item in history(page.data) if isinstance(item, UserMessageItem)
        ]
        text = model_reply(told)
        item = AssistantMessageItem(
            id=turn.store.generate_item_id("message", turn.thread, turn.context),
            thread_id=turn.thread.id,
            created_at=datetime.now(),  # noqa: DTZ005 - the SDK's times are naive
            content=[AssistantMessageContent(text=text)],
        )
        yield ThreadItemDoneEvent(item=item)

    return responding(respond)


def model_reply(told: list[str]) -> str:
    """Answer the last message, knowing all of them and nothing else."""
    question = told[-1] if told else ""
    if "secret word did I tell" in question:
        found = re.search(r"secret word is (\w+)", " ".join(told))
        return found.group(1) if found else "I do not know."
    asked = re.search(r"Answer with just .*?(\w+)\.?$", question)
    return asked.group(1) if asked else "OK"


# The server class.


def _stop_keeps_nothing(parts: Parts) -> None:
    """Lose what was said when an answer is stopped: the first await is cancelled again."""

    async def handle_stream_cancelled(thread: Any, pending: Any, context: Any) -> None:
        raise asyncio.CancelledError

    parts.server.handle_stream_cancelled = handle_stream_cancelled


# The authentication.


def _authenticating(change: Callable[[Any, str], Any]) -> Callable[[Parts], None]:
    """Change who a request comes from: *change* gets the request and its token."""

    def inside(parts: Parts) -> None:
        right = parts.app.state.authenticate

        async def authenticate(request: Any) -> str:
            token = request.headers.get("authorization", "").partition(" ")[2]
            user = change(request, token)
            return str(user if user is not None else await right(request))

        parts.app.state.authenticate = authenticate

    return inside


def _everybody_is(user: str) -> Callable[[Any, str], Any]:
    return lambda request, token: None if token else user


def _garbage_is_a_guest(request: Any, token: str) -> str | None:
    return "guest" if token and token.count(".") != 2 else None


def _claims_believed(only_unsigned: bool) -> Callable[[Any, str], Any]:
    def change(request: Any, token: str) -> str | None:
        try:
            unsigned = jwt.get_unverified_header(token)["alg"].lower() == "none"
            if only_unsigned and not unsigned:
                return None
            claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        except jwt.InvalidTokenError:
            return None
        return str(claims["sub"])

    return change


def _header_decides(request: Any, token: str) -> str | None:
    user: str | None = request.headers.get("x-user-id")
    return user


FAULTS: dict[str, Fault] = {
    "streaming-answer-arrives": Fault(inside=responding(_silent)),
    "streaming-updates-wrapped": Fault(inside=responding(_bare_deltas)),
    "streaming-items-in-order": Fault(inside=responding(_backwards)),
    "streaming-ids-agree": Fault(inside=responding(_new_id_at_the_end)),
    "streaming-deltas-add-up": Fault(inside=responding(_pieces_lost)),
    "streaming-others-answered": Fault(inside=responding(_blocking)),
    "streaming-not-mixed": Fault(inside=_kept_on_the_object),
    "threads-read-after-first-turn": Fault(inside=_reading_crashes),
    "threads-second-message": Fault(inside=_first_turn_only),
    "threads-read-as-streamed": Fault(inside=_changed_on_the_way_in(_stored_under_other_id)),
    "threads-newest-first": Fault(inside=_order_ignored),
    "threads-items-paged": Fault(inside=_cursor_ignored),
    "threads-items-newest-first": Fault(inside=_item_order_ignored),
    "threads-renamed": Fault(inside=_titles_not_saved),
    "threads-created-at-stable": Fault(inside=_time_of_reading),
    "threads-deleted": Fault(inside=_not_deleted),
    "items-quotation-kept": Fault(inside=_changed_on_the_way_in(_without_quotation)),
    "items-ids-unique": Fault(inside=responding(_fake_ids)),
    "items-ids-long": Fault(inside=_short_ids),
    "items-message-once": Fault(inside=_message_twice),
    "items-retry-replaces": Fault(inside=_item_order_ignored),
    "items-stop-keeps-partial": Fault(inside=_stop_keeps_nothing),
    "items-turn-after-stop": Fault(inside=_busy_for_ever),
    "memory-newest-answered": Fault(inside=remembering(lambda items: items[:20])),
    "memory-first-remembered": Fault(inside=remembering(lambda items: items[-4:])),
    "access-credentials-needed": Fault(inside=_authenticating(_everybody_is("first"))),
    "access-garbage-refused": Fault(inside=_authenticating(_garbage_is_a_guest)),
    "access-unsigned-refused": Fault(inside=_authenticating(_claims_believed(True))),
    "access-altered-refused": Fault(inside=_authenticating(_claims_believed(False))),
    "access-body-names-nobody": Fault(inside=_authenticating(_header_decides)),
    "access-list-separate": Fault(inside=_one_list_for_all),
    "access-read-separate": Fault(inside=_owner_forgotten),
    "access-write-separate": Fault(inside=_owner_forgotten),
    "access-rename-separate": Fault(inside=_owner_forgotten),
    "access-retry-separate": Fault(inside=_owner_forgotten),
    "access-feedback-separate": Fault(inside=_owner_forgotten),
    "access-delete-separate": Fault(inside=_owner_forgotten),
    "access-foreign-as-unknown": Fault(inside=_foreign_is_forbidden),
}
