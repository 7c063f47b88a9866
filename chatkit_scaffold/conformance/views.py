"""How the checks see a recorded exchange: as a fixture that would have taken place."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from chatkit_scaffold.conformance.check import UntestableError
from chatkit_scaffold.conformance.fixtures import (
    Conversation,
    FirstTurn,
    Retry,
    conversation,
    opening,
    probe,
    retry_last_message,
)
from chatkit_scaffold.conformance.fixtures_streams import ParallelTurns, parallel_turns
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.event_stream import Event
from chatkit_scaffold.protocol.exchange import Exchange

_LONG = 600
"""Characters of an answer that is as long as those by which the checks measure streams."""
NOT_RECORDED = "it was not recorded"

View = Callable[[Exchange], "Setting"]
"""Returns what the checks see of an exchange, which may end earlier than it was recorded."""


class _Unrecorded:
    """What was not recorded: a check that looks at it is untestable."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UntestableError(NOT_RECORDED)

    def _refuse(self, *_: object) -> NoReturn:
        raise UntestableError(NOT_RECORDED)

    __bool__ = __contains__ = __eq__ = __getitem__ = __hash__ = __iter__ = __len__ = _refuse


UNRECORDED: Any = _Unrecorded()


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
