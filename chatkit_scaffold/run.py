"""Runs the checks against a server, in an order in which they make sense."""

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable, Mapping

from chatkit_scaffold.checks import REGISTRY
from chatkit_scaffold.checks.model import (
    Check,
    CheckFailedError,
    Outcome,
    SkipCheckError,
    UntestableError,
)
from chatkit_scaffold.checks.subject import Subject
from chatkit_scaffold.checks.transport import listing
from chatkit_scaffold.client import Chatkit
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.limits import BudgetSpentError, Journal, Limits
from chatkit_scaffold.report import Report, Result
from chatkit_scaffold.selection import chosen
from chatkit_scaffold.sse import shorten

USUAL_ORIGIN = "http://localhost:3000"
"""Where the front end's development server usually is."""
_LONGEST = 60
"""How many times the limit for one silence a whole run may take: about forty answers are asked
for, and a slow model may need most of that limit for each."""
_CLEANING = 30.0
"""Seconds to remove the threads that were made."""

Progress = Callable[[Check, int, int], None]
"""Told before each check: the check, its number from 1, and how many there are."""


def run_checks(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    other_headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    timeout: float = 30.0,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Check a server and remove what was made on the way.

    Args:
        url: The ChatKit endpoint.
        headers: The first user's credentials.
        other_headers: A second user's; without them nothing is said about isolation.
        origin: Where the page with the front end comes from, such as `https://example.com`.
        timeout: Seconds that the server may be silent; a slow model needs some.
        select: Ids or beginnings of ids to run, with what they need; all when empty.
        ignore: Ids or beginnings of ids to leave out.
        progress: See `Progress`.

    Raises:
        ScaffoldError: There can be no verdict: the server does not answer, does not speak
            HTTP or refuses the credentials, or an argument cannot be used.
    """
    checks = chosen(REGISTRY, select, ignore)
    return asyncio.run(
        _run(_subject(url, (headers, other_headers), origin, timeout), checks, progress)
    )


def _subject(
    url: str,
    users: tuple[Mapping[str, str] | None, Mapping[str, str] | None],
    origin: str | None,
    timeout: float,
) -> Subject:
    page = origin or USUAL_ORIGIN
    limits, journal = Limits(silence=timeout, exchange=timeout * 4), Journal()

    def chatkit(name: str, headers: Mapping[str, str] | None) -> Chatkit:
        return Chatkit(url, name=name, headers=headers, origin=page, limits=limits, journal=journal)

    first, second = users
    other = None if second is None else chatkit("the second user", second)
    return Subject(chatkit("", first), other, origin=page, origin_given=origin is not None)


async def _run(subject: Subject, checks: list[Check], progress: Progress | None) -> Report:
    started = time.monotonic()
    try:
        await _reach(subject)
        runner = Runner(subject, checks, deadline=started + _LONGEST * subject.limits.silence)
        await runner.run(progress)
        left = await _clean(subject)
    finally:
        await subject.close()
    return Report(
        url=subject.user.shown_url,
        results=runner.results,
        errors=runner.errors,
        left=left,
        unfinished=runner.unfinished,
        seconds=time.monotonic() - started,
        requests=len(subject.exchanges),
    )


class Runner:
    """Runs checks one after the other and keeps how each ended.

    Args:
        subject: The server.
        checks: In an order in which each comes after what it needs.
        deadline: On `time.monotonic`'s clock; no check runs past it.

    Attributes:
        results: One for each check, in order.
        errors: Mistakes of our own: neither good nor bad news about the server.
        unfinished: Why the remaining checks were not run, empty if they were.
    """

    def __init__(self, subject: Subject, checks: list[Check], *, deadline: float) -> None:
        self.results: list[Result] = []
        self.errors: list[str] = []
        self.unfinished = ""
        self._subject = subject
        self._checks = checks
        self._deadline = deadline

    async def run(self, progress: Progress | None = None) -> None:
        """Run all checks."""
        for number, check in enumerate(self._checks, start=1):
            if progress is not None:
                progress(check, number, len(self._checks))
            started = time.monotonic()
            result = self._blocked(check) or await self._one(check)
            result.seconds = time.monotonic() - started
            self.results.append(result)

    def _blocked(self, check: Check) -> Result | None:
        """Return the result of a check that cannot run, None for one that can."""
        if self.unfinished:
            return Result(check, Outcome.UNTESTABLE, reason=self.unfinished)
        for needed in self.results:
            if needed.check.id not in check.needs or needed.outcome is Outcome.PASSED:
                continue
            if needed.outcome is Outcome.SKIPPED:
                return Result(check, Outcome.SKIPPED, reason=needed.reason)
            return Result(check, Outcome.UNTESTABLE, reason=f"needs {needed.check.id}")
        return None

    async def _one(self, check: Check) -> Result:
        try:
            async with asyncio.timeout_at(_on_loop_clock(self._deadline)):
                await check.function(self._subject)
        except CheckFailedError as failure:
            return Result(
                check,
                Outcome.FAILED,
                sent=failure.sent,
                expected=failure.expected,
                got=failure.got,
            )
        except SkipCheckError as skipped:
            return Result(check, Outcome.SKIPPED, reason=str(skipped))
        except UntestableError as untestable:
            return Result(check, Outcome.UNTESTABLE, reason=str(untestable))
        except TimeoutError:
            self.unfinished = "no time left: the server took too long before"
        except BudgetSpentError as spent:
            self.unfinished = f"no more requests: {spent}"
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not look like a verdict
            self.errors.append(_our_fault(check, error))
            return Result(check, Outcome.UNTESTABLE, reason="a mistake in chatkit-scaffold")
        else:
            return Result(check, Outcome.PASSED)
        return Result(check, Outcome.UNTESTABLE, reason=self.unfinished)


async def _reach(subject: Subject) -> None:
    """Ask something simple.

    Raises:
        ScaffoldError: There is no server, it is silent, or it wants other credentials.
    """
    answer = await listing(subject)
    if not answer.status:
        raise ScaffoldError(
            f"{subject.user.shown_url} does not answer: {answer.error}",
            hint="start the server, and give the address of its ChatKit route",
        )
    if answer.status not in (401, 403):
        return
    if subject.authenticated:
        raise ScaffoldError(
            f"the server refuses the credentials of --header: {answer.status}",
            hint="give ones that are valid now, as the front end sends them",
        )
    raise ScaffoldError(
        f"the server asks for credentials: {answer.status}",
        hint="give them with --header 'Authorization: Bearer …'",
    )


async def _clean(subject: Subject) -> list[str]:
    """Remove all threads; return the ids of those that are still there."""
    left: list[str] = []
    for user in (subject.user, subject.other):
        if user is None:
            continue
        try:
            # As many more requests as there are threads, whatever was sent before.
            user.limits.requests += len(user.threads)
            async with asyncio.timeout(_CLEANING):
                left += await user.remove_threads()
        except (TimeoutError, BudgetSpentError):
            left += list(user.threads)
    return left


def _on_loop_clock(deadline: float) -> float:
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


def _our_fault(check: Check, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.name}, line {place.lineno}"
    return shorten(f"{check.id}: {type(error).__name__}: {error} ({where})", 400)
