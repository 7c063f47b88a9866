"""Runs checks one after another and records their results."""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection

from chatkit_scaffold.conformance.check import (
    Check,
    CheckFailedError,
    Outcome,
    SkipCheckError,
    UntestableError,
)
from chatkit_scaffold.conformance.diagnosis import Diagnosis, diagnose
from chatkit_scaffold.conformance.result import Result, needs
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.guard import ReadOnlyError
from chatkit_scaffold.protocol.limits import InconclusiveError, LimitReachedError
from chatkit_scaffold.text import shorten

Progress = Callable[[Check, int, int], None]
"""Called before each check with the check, its number from 1, and the number of checks."""
_WAITS_PER_FAMILY = 2
"""After so many full-length waits in a family, its other checks would wait in vain as well."""


class Runner:
    """Runs checks one after another and records their results.

    Args:
        target: The server.
        checks: The checks to run, each after those it needs.
        deadline: When to stop, on the clock of `time.monotonic`.
        assumed: Reasons why a check may be untestable without blocking those that need it.

    Attributes:
        results: One for each check, in order.
        errors: Bugs in our own checks, which are no verdict on the server.
        unfinished: Why the run ended early; empty if it did not.
    """

    def __init__(
        self,
        target: Target,
        checks: list[Check],
        *,
        deadline: float,
        assumed: Collection[str] = (),
    ) -> None:
        self.results: list[Result] = []
        self.errors: list[str] = []
        self.unfinished = ""
        self._diagnoses: dict[str, Diagnosis] = {}
        self._target = target
        self._checks = checks
        self._deadline = deadline
        self._assumed = frozenset(assumed)
        self._waits: Counter[str] = Counter()
        """Full-length waits by family."""

    async def run(self, progress: Progress | None = None) -> None:
        """Run all checks."""
        for number, check in enumerate(self._checks, start=1):
            if progress is not None:
                progress(check, number, len(self._checks))
            started = time.monotonic()
            waits = self._target.full_waits
            result = self._blocked(check) or await self._run_one(check)
            self._waits[check.family] += self._target.full_waits - waits
            result.seconds = time.monotonic() - started
            self.results.append(result)

    def _blocked(self, check: Check) -> Result | None:
        """Return the result of a check that cannot run; None if it can run."""
        if self.unfinished:
            return Result(check, Outcome.UNTESTABLE, reason=self.unfinished)
        for needed in self.results:
            if needed.check.id not in check.needs or needed.outcome is Outcome.PASSED:
                continue
            if needed.outcome is Outcome.UNTESTABLE and needed.reason in self._assumed:
                continue
            if needed.outcome is Outcome.SKIPPED:
                return Result(check, Outcome.SKIPPED, reason=needed.reason)
            return Result(check, Outcome.UNTESTABLE, reason=needs(needed.check.id))
        if self._waits[check.family] >= _WAITS_PER_FAMILY:
            timeout = self._target.limits.read_timeout
            reason = f"two requests of {check.family} took the full {timeout:g} s"
            return Result(check, Outcome.UNTESTABLE, reason=reason, inconclusive=True)
        return None

    async def _run_one(self, check: Check) -> Result:
        try:
            async with asyncio.timeout_at(_on_loop_clock(self._deadline)):
                await check.function(self._target)
        except CheckFailedError as failure:
            diagnosis = diagnose(check, failure, self._diagnoses)
            self._diagnoses[check.id] = diagnosis
            return self._failed(check, failure, diagnosis)
        except (SkipCheckError, ReadOnlyError) as skipped:
            return Result(check, Outcome.SKIPPED, reason=str(skipped))
        except (UntestableError, InconclusiveError) as error:
            inconclusive = isinstance(error, InconclusiveError)
            reason = str(error)
            return Result(check, Outcome.UNTESTABLE, reason=reason, inconclusive=inconclusive)
        except TimeoutError:
            self.unfinished = "the run took too long"
        except LimitReachedError as limit:
            self.unfinished = f"the run reached its limit: {limit}"
        except Exception as error:  # noqa: BLE001 - our own bug must not look like a verdict
            self.errors.append(_describe(check, error))
            return Result(check, Outcome.UNTESTABLE, reason="a bug in chatkit-scaffold")
        else:
            return Result(check, Outcome.PASSED)
        return Result(check, Outcome.UNTESTABLE, reason=self.unfinished)

    def _failed(self, check: Check, failure: CheckFailedError, diagnosis: Diagnosis) -> Result:
        return Result(
            check,
            Outcome.FAILED,
            sent=failure.sent,
            expected=self._target.without_secrets(failure.expected),
            got=self._target.without_secrets(failure.got),
            fix=self._target.without_secrets(diagnosis.fix),
            cause=diagnosis.cause,
            kind=diagnosis.kind,
            level_here=failure.level,
            exchange=failure.exchange,
        )


def _on_loop_clock(deadline: float) -> float:
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


def _describe(check: Check, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.name}, line {place.lineno}"
    return shorten(f"{check.id}: {type(error).__name__}: {error} ({where})", 400)
