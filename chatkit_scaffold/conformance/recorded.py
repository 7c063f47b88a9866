"""Judges recorded exchanges by the checks: by those that need nothing but what was recorded.

The fixtures of the checks are set to what was recorded, and nothing is sent. A check that needs
more than that is untestable, so no list says which checks can be judged.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatkit_scaffold.conformance.check import Check, Outcome
from chatkit_scaffold.conformance.families import REGISTRY
from chatkit_scaffold.conformance.fixtures import preset
from chatkit_scaffold.conformance.fixtures_access import provoked_errors
from chatkit_scaffold.conformance.fixtures_streams import stopped_answer
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.conformance.runner import Runner
from chatkit_scaffold.conformance.selection import select_checks
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.conformance.views import NOT_RECORDED, Setting, View
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.journal import Journal
from chatkit_scaffold.protocol.limits import InconclusiveError
from chatkit_scaffold.protocol.pace import Pace

_SECONDS = 10.0
"""How long judging may take."""
_NOT_SENT = "nothing is sent"
_NOWHERE = "http://recorded.invalid/"


class _NothingIsSent(Pace):
    """Refuses to send anything, for every client of the target."""

    async def turn(self, operation: str) -> None:
        del operation
        raise InconclusiveError(_NOT_SENT)


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that fails on a recorded exchange.

    Attributes:
        result: As `check` would report it.
        event: The index of the event that shows it; None if the response as a whole does.
    """

    result: Result
    event: int | None


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
        target, chosen, deadline=time.monotonic() + _SECONDS, assumed=(NOT_RECORDED, _NOT_SENT)
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
