"""Judges recorded exchanges by the checks: by those that need nothing but what was recorded.

The fixtures of the checks are set to what was recorded, and nothing is sent. A check that needs
more than that is untestable, so no list says which checks can be judged.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from chatkit_scaffold.conformance.check import Check, Outcome, UntestableError
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.fixtures import (
    Conversation,
    FirstTurn,
    Retry,
    conversation,
    opening,
    preset,
    probe,
    retry_last_message,
)
from chatkit_scaffold.conformance.fixtures_access import provoked_errors
from chatkit_scaffold.conformance.fixtures_streams import (
    ParallelTurns,
    parallel_turns,
    stopped_answer,
)
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.conformance.runner import Runner
from chatkit_scaffold.conformance.selection import select_checks
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.event_stream import Event
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.journal import Journal
from chatkit_scaffold.protocol.limits import InconclusiveError
from chatkit_scaffold.protocol.pace import Pace

_LONG = 600
"""Characters of an answer that is as long as those by which the checks measure streams."""
_SECONDS = 10.0
"""How long judging may take."""
_UNRECORDED = "it was not recorded"
_NOT_SENT = "nothing is sent"
_NOWHERE = "http://recorded.invalid/"

View = Callable[[Exchange], "Setting"]
"""Returns what the checks see of an exchange, which may end earlier than it was recorded."""


class _Unrecorded:
    """What was not recorded: a check that looks at it is untestable."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UntestableError(_UNRECORDED)

    def _refuse(self, *_: object) -> NoReturn:
        raise UntestableError(_UNRECORDED)

    __bool__ = __contains__ = __eq__ = __getitem__ = __hash__ = __iter__ = __len__ = _refuse


UNRECORDED: Any = _Unrecorded()


class _NothingIsSent(Pace):
    """Refuses to send anything, for every client of the target."""

    async def turn(self, operation: str) -> None:
        del operation
        raise InconclusiveError(_NOT_SENT)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the checks see.

    Attributes:
        exchange: The exchange to judge, in the form in which the checks see it.
        fixtures: Values of fixtures.
        families: The families of the checks to run; empty for all.
    """

    exchange: Exchange
    fixtures: dict[Callable[[Target], Any], Any]
    families: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that fails on a recorded exchange.

    Attributes:
        result: As `check` would report it.
        event: The index of the event that shows it; None if the response as a whole does.
    """

    result: Result
    event: int | None


def as_probe(exchange: Exchange) -> Setting:
    """See a list of threads as the simplest request."""
    return Setting(exchange, {probe: exchange})


def as_anything(exchange: Exchange) -> Setting:
    """See a response for what is wrong in any response."""
    return Setting(exchange, {})


def as_stream(exchange: Exchange) -> Setting:
    """See a stream for what is wrong in any stream, whatever its events are about."""
    start = FirstTurn(UNRECORDED, exchange, UNRECORDED)
    return Setting(exchange, {opening: start}, ("transport",))


def as_first_turn(listed: Exchange = UNRECORDED, simplest: Exchange = UNRECORDED) -> View:
    """See a turn as the first of a thread.

    Args:
        listed: The list of threads before it.
        simplest: The response to the simplest request, which decides whether turns are judged.
    """

    def view(exchange: Exchange) -> Setting:
        start = FirstTurn(listed, exchange, UNRECORDED)
        fixtures: dict[Callable[[Target], Any], Any] = {opening: start}
        if simplest is not UNRECORDED:
            fixtures[probe] = simplest
        if exchange.thread_id is not None:
            fixtures[conversation] = _conversation(start, exchange.thread_id)
        if len(exchange.text) >= _LONG:
            fixtures[parallel_turns] = ParallelTurns(
                UNRECORDED, UNRECORDED, (exchange, UNRECORDED), UNRECORDED
            )
        return Setting(exchange, fixtures)

    return view


def as_later_turn(
    thread_id: str,
    listed: Exchange = UNRECORDED,
    simplest: Exchange = UNRECORDED,
    *,
    has_message: bool = True,
) -> View:
    """See a later turn as the first of a thread, with the events that it would have begun with.

    Args:
        thread_id: The thread.
        listed: The list of threads before it.
        simplest: The response to the simplest request.
        has_message: Whether the turn begins with the user's message.
    """
    created = {"type": "thread.created", "thread": {"id": thread_id}}
    message = {
        "id": f"msg_{secrets.token_hex(16)}",
        "type": "user_message",
        "thread_id": thread_id,
        "created_at": "2026-01-01T00:00:00+00:00",
        "content": [],
    }
    missing = [created]
    if not has_message:
        missing.append({"type": "thread.item.done", "item": message})

    def view(exchange: Exchange) -> Setting:
        # A second thread.created is a mistake of its own, see `as_second_turn`.
        is_complete = not exchange.events or exchange.events_of_type("thread.created")
        begun = [] if is_complete else [Event(data, 0.0) for data in missing]
        return as_first_turn(listed, simplest)(replace(exchange, events=[*begun, *exchange.events]))

    return view


def as_second_turn(first: Exchange, thread_id: str) -> View:
    """See a turn as the second of a thread."""

    def view(exchange: Exchange) -> Setting:
        start = FirstTurn(UNRECORDED, first, UNRECORDED)
        return Setting(
            exchange, {opening: start, conversation: _conversation(start, thread_id, exchange)}
        )

    return view


def as_retry(message_id: str) -> View:
    """See a turn as a second answer to a message."""

    def view(exchange: Exchange) -> Setting:
        retry = Retry(UNRECORDED, message_id, exchange, UNRECORDED)
        return Setting(exchange, {retry_last_message: retry})

    return view


def as_read_after(turns: list[Exchange], thread_id: str) -> View:
    """See a thread as read after its first turn, or after its first two."""

    def view(exchange: Exchange) -> Setting:
        start = FirstTurn(UNRECORDED, turns[0], UNRECORDED)
        if len(turns) == 1:
            talk = replace(_conversation(start, thread_id), read_after_first=exchange)
        else:
            talk = replace(_conversation(start, thread_id, turns[1]), read_after_second=exchange)
        return Setting(exchange, {opening: start, conversation: talk})

    return view


def _conversation(start: FirstTurn, thread_id: str, second: Exchange = UNRECORDED) -> Conversation:
    return Conversation(
        opening=start,
        thread_id=thread_id,
        read_after_first=UNRECORDED,
        threads_before_second=UNRECORDED,
        second=second,
        read_after_second=UNRECORDED,
        threads_after=UNRECORDED,
    )


def judge(exchange: Exchange, views: list[View]) -> list[Finding]:
    """Return what is wrong with an exchange, in the order of a run of `check`.

    Args:
        exchange: The exchange; the checks never see it as another one than it was.
        views: What the checks see; a check that fails in one of them has failed.
    """
    return asyncio.run(_judge(exchange, views))


async def _judge(exchange: Exchange, views: list[View]) -> list[Finding]:
    found: dict[str, Finding] = {}
    for view in views:
        for result in await _failures(view(exchange)):
            if result.check.id not in found:
                event = await _event(exchange, view, result)
                found[result.check.id] = Finding(result, event)
    return [found[one] for one in REGISTRY if one in found and not REGISTRY[one].needs & set(found)]


async def _failures(setting: Setting, checks: list[Check] | None = None) -> Iterator[Result]:
    """Return the failures that the exchange shows, and no other one."""
    journal = Journal([setting.exchange], pace=_NothingIsSent(0))
    user = Chatkit(_NOWHERE, journal=journal)
    target = Target(user, None, origin="", origin_is_explicit=False)
    preset(target, stopped_answer, None)
    none: list[Exchange] = []
    preset(target, provoked_errors, none)
    for fixture, value in setting.fixtures.items():
        preset(target, fixture, value)
    chosen = checks or select_checks(REGISTRY, setting.families)
    runner = Runner(
        target, chosen, deadline=time.monotonic() + _SECONDS, assumed=(_UNRECORDED, _NOT_SENT)
    )
    try:
        await runner.run()
    finally:
        await target.close()
    return (
        result
        for result in runner.results
        if result.outcome is Outcome.FAILED and result.exchange is setting.exchange
    )


async def _event(exchange: Exchange, view: View, result: Result) -> int | None:
    """Return the index of the event with which the check begins to fail in this way.

    None if it fails in this way without any event, or only at the end of the response.
    """

    async def fails(count: int) -> bool:
        begun = replace(exchange, events=exchange.events[:count], error="", failure=None)
        results = await _failures(view(begun), [result.check])
        return any((one.expected, one.got) == (result.expected, result.got) for one in results)

    is_about_all = f"{len(exchange.events)} events" in result.got
    if (
        is_about_all
        or not exchange.events
        or not await fails(len(exchange.events))
        or await fails(0)
    ):
        return None
    fine, failing = 0, len(exchange.events)
    while failing - fine > 1:
        middle = (fine + failing) // 2
        if await fails(middle):
            failing = middle
        else:
            fine = middle
    return failing - 1
