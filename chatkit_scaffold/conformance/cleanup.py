"""Deletes the threads of a run, and finds those that are left."""

import asyncio
from http import HTTPStatus

from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import dig, ids, rows
from chatkit_scaffold.protocol.limits import InconclusiveError, LimitReachedError
from chatkit_scaffold.protocol.snapshot import ALL

_TIMEOUT = 30.0
"""Seconds for the threads of one user."""
_HURRIED = 0.25
"""Share of the read timeout that replaces them on a server that hangs."""
_REQUESTS_PER_THREAD = 4
"""To read, to delete, and to read again, with one to spare for the lists."""
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


async def clean_up(target: Target) -> dict[str, str]:
    """Delete the threads of all users; return why the others are left, by their ids.

    Only threads that were read back with the run's own messages are deleted; see `Guard`.
    """
    left: dict[str, str] = {}
    patience = target.user.journal.patience
    hurried = patience is not None and patience.hurried
    seconds = target.limits.read_timeout * _HURRIED if hurried else _TIMEOUT
    for user in target.users:
        # The checks may have reached the limit of requests.
        made = len(user.created_threads) + len(user.guard.attachments)
        user.limits.requests += _REQUESTS_PER_THREAD * (1 + made)
        try:
            async with asyncio.timeout(seconds):
                reasons = await _delete_attachments(user) | await _delete(user)
        except (TimeoutError, LimitReachedError):
            reasons = dict.fromkeys(user.created_threads, "the clean-up took too long")
        except InconclusiveError as error:
            reasons = dict.fromkeys(user.created_threads, str(error))
        left |= {one: f"{why}{_owner(user)}" for one, why in reasons.items()}
    return left


async def _delete_attachments(user: Chatkit) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for attachment_id in list(user.guard.attachments):
        response = await user.call("attachments.delete", attachment_id=attachment_id)
        if not response.ok:
            why = f"attachments.delete returns {response.status or response.error}"
            reasons[f"attachment {attachment_id}"] = why
    return reasons


async def _delete(user: Chatkit) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for thread_id in list(user.created_threads):
        if reason := await _why_not_deleted(user, thread_id):
            reasons[thread_id] = reason
    if not user.created_threads:
        return {}
    threads = await user.call("threads.list", limit=ALL, order="desc")
    listed = ids(rows(threads.json, "data"))
    is_complete = threads.ok and dig(threads.json, "has_more") is not True
    left = {one: reasons.get(one, "") for one in user.created_threads if one in listed}
    unknown = list(reasons if is_complete else user.created_threads)
    for thread_id in unknown:
        read = await user.call("threads.get_by_id", thread_id=thread_id)
        if read.ok or not (is_complete or read.status in _GONE):
            left[thread_id] = reasons.get(thread_id, "")
    return {one: why or "threads.delete has no effect" for one, why in left.items()}


async def _why_not_deleted(user: Chatkit, thread_id: str) -> str:
    """Delete a thread; return why that was not possible, or an empty string."""
    try:
        if doubt := await user.guard.doubt(thread_id):
            return doubt
        response = await user.call("threads.delete", thread_id=thread_id)
    except InconclusiveError as error:
        return str(error)
    return "" if response.ok else f"threads.delete returns {response.status or response.error}"


def _owner(user: Chatkit) -> str:
    return f"; belongs to {user.name}" if user.name else ""
