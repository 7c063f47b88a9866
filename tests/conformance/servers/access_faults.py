"""Faults of authentication and of the isolation between users."""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt

from tests.conformance.servers.correct import Fault, Parts, module
from tests.conformance.servers.middleware import BufferedResponse, Json, change_responses

_USER_METHODS = (
    "load_thread",
    "save_thread",
    "rename_thread",
    "load_thread_items",
    "add_thread_item",
    "save_item",
    "load_item",
    "delete_thread",
    "delete_thread_item",
    "save_feedback",
)


def _user_ignored(parts: Parts) -> None:
    """Use each thread's owner as the user, except in the list of threads."""
    owners: dict[str, str] = {}
    for name in _USER_METHODS:
        _ignore_user(parts.store, name, owners)


def _ignore_user(store: Any, name: str, owners: dict[str, str]) -> None:
    original = getattr(store, name)

    async def method(first: Any, *args: Any, context: Any = None, **named: Any) -> Any:
        if context is None:
            *rest, context = args
            args = tuple(rest)
        thread_id = first if isinstance(first, str) else first.id
        owner = owners.setdefault(thread_id, context.user_id)
        context = replace(context, user=module("app.base").User(owner))
        return await original(first, *args, **named, context=context)

    setattr(store, name, method)


def _first_list_for_all(parts: Parts) -> None:
    """List the first user's threads for every user."""
    original = parts.store.load_threads
    first: list[Any] = []

    async def load_threads(limit: int, after: Any, order: str, context: Any) -> Any:
        first.append(context)
        return await original(limit, after, order, first[0])

    parts.store.load_threads = load_threads


def _foreign_is_forbidden(parts: Parts) -> None:
    """Return 403 for another user's thread, which shows that it exists."""
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


def _authenticating(change: Callable[[Any, str], Any]) -> Callable[[Parts], None]:
    """Authenticate requests as *change* decides from request and token, unless it returns None."""

    def inside(parts: Parts) -> None:
        original = parts.app.state.authenticate

        async def authenticate(request: Any) -> Any:
            token = request.headers.get("authorization", "").partition(" ")[2]
            user = change(request, token)
            return await original(request) if user is None else module("app.base").User(user)

        parts.app.state.authenticate = authenticate

    return inside


def _default_user(user: str) -> Callable[[Any, str], Any]:
    return lambda request, token: None if token else user


def _malformed_is_a_guest(request: Any, token: str) -> str | None:
    return "guest" if token and token.count(".") != 2 else None


def _claims_unverified(*, only_unsigned: bool) -> Callable[[Any, str], Any]:
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


def _last_answer_of_all(parts: Parts) -> None:
    """Overwrite the other users' last answers, as items stored by a repeated id alone do."""
    original = parts.store.save_item
    last: dict[str, tuple[str, Any, Any]] = {}

    async def save_item(thread_id: str, item: Any, context: Any) -> None:
        if item.type == "assistant_message":
            for user, (thread, kept, owner) in last.items():
                if user != context.user_id:
                    changed = kept.model_copy(update={"content": item.content})
                    await original(thread, changed, owner)
            last[context.user_id] = (thread_id, item, context)
        await original(thread_id, item, context)

    parts.store.save_item = save_item


def _answers_to_first_thread(parts: Parts) -> None:
    """Store every other user's answers in the first user's thread, as a global variable does."""
    original = parts.store.save_item
    first: list[tuple[str, Any]] = []

    async def save_item(thread_id: str, item: Any, context: Any) -> None:
        if item.type == "assistant_message":
            first.append((thread_id, context))
            if context.user_id != first[0][1].user_id:
                thread_id, context = first[0]
        await original(thread_id, item, context)

    parts.store.save_item = save_item


def _refusal_caught(_: Json, response: BufferedResponse) -> None:
    """Return the text of the HTTPException, as `except Exception` around the route does."""
    if response.status == 401:
        response.status, response.body = 500, {"detail": "Error: 401: Unauthorized"}


def _unauthorized_is_forbidden(_: Json, response: BufferedResponse) -> None:
    if response.status == 401:
        response.status = 403


def _ports_in_errors(_: Json, response: BufferedResponse) -> None:
    """Fail with numbers that look like statuses: a port, a line, an amount and a question."""
    if response.status == 400:
        text = "10.0.0.7:401: refused; at app.py:403: no; line 401: bad; after 403 tries"
        response.status, response.body = 500, {"detail": text}


def _only_conversation(parts: Parts) -> None:
    """Take every id for that of the user's newest thread, as if there were only one."""
    for name in ("load_thread", "load_thread_items", "rename_thread", "delete_thread", "load_item"):
        _ignore_id(parts.store, name)


def _ignore_id(store: Any, name: str) -> None:
    original = getattr(store, name)

    async def method(thread_id: str, *args: Any, context: Any = None, **named: Any) -> Any:
        if context is None:
            *rest, context = args
            args = tuple(rest)
        newest = (await store.load_threads(1, None, "desc", context)).data
        found = newest[0].id if newest else thread_id
        return await original(found, *args, **named, context=context)

    setattr(store, name, method)


def _feedback_not_stored(parts: Parts) -> None:
    """Accept all feedback, as the SDK's own `add_feedback` does."""

    async def add_feedback(*arguments: Any) -> None:
        """Keep nothing."""

    parts.server.add_feedback = add_feedback


FAULTS: dict[str, Fault] = {
    "access-credentials-needed": Fault(patch=_authenticating(_default_user("first"))),
    "access-garbage-refused": Fault(patch=_authenticating(_malformed_is_a_guest)),
    "access-unsigned-refused": Fault(patch=_authenticating(_claims_unverified(only_unsigned=True))),
    "access-altered-refused": Fault(patch=_authenticating(_claims_unverified(only_unsigned=False))),
    "access-body-names-nobody": Fault(patch=_authenticating(_header_decides)),
    "access-list-separate": Fault(patch=_first_list_for_all),
    "access-read-separate": Fault(patch=_user_ignored),
    "access-write-separate": Fault(patch=_user_ignored),
    "access-rename-separate": Fault(patch=_user_ignored),
    "access-retry-separate": Fault(patch=_user_ignored),
    "access-feedback-separate": Fault(patch=_user_ignored),
    "access-delete-separate": Fault(patch=_user_ignored),
    "access-foreign-as-unknown": Fault(patch=_foreign_is_forbidden),
    "access-turns-separate": Fault(patch=_last_answer_of_all),
    "access-refusal-status": Fault(middleware=change_responses(_refusal_caught)),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "answers in another user's thread": (
        "access-turns-separate",
        Fault(patch=_answers_to_first_thread),
    ),
}
forbidden_instead = Fault(middleware=change_responses(_unauthorized_is_forbidden))
"""A server that refuses missing and wrong credentials, with 403."""
only_conversation = Fault(patch=_only_conversation)
"""A server on which every user has a single conversation."""
ports_in_errors = Fault(middleware=change_responses(_ports_in_errors))
ODD: dict[str, Fault] = {"feedback not stored": Fault(patch=_feedback_not_stored)}
