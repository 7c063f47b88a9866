"""Runs checks one after another and records how each ended."""

import asyncio
import time
import traceback
from collections.abc import Callable

from chatkit_scaffold.conformance.check import (
    Check,
    CheckFailedError,
    Outcome,
    SkipCheckError,
    UntestableError,
)
from chatkit_scaffold.conformance.report import Result
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.limits import BudgetSpentError
from chatkit_scaffold.text import shorten

Progress = Callable[[Check, int, int], None]
"""Called before each check with the check, its number from 1, and the number of checks."""


class Runner:
    """Runs checks one after the other and keeps how each ended.

    Args:
        target: The server.
        checks: In an order in which each comes after what it needs.
        deadline: On `time.monotonic`'s clock; no check runs past it.

    Attributes:
        results: One for each check, in order.
        errors: Mistakes of our own: neither good nor bad news about the server.
        unfinished: Why the remaining checks were not run, empty if they were.
    """

    def __init__(self, target: Target, checks: list[Check], *, deadline: float) -> None:
        self.results: list[Result] = []
        self.errors: list[str] = []
        self.unfinished = ""
        self._target = target
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
                await check.function(self._target)
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


def _on_loop_clock(deadline: float) -> float:
    return asyncio.get_running_loop().time() + deadline - time.monotonic()


def _our_fault(check: Check, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.name}, line {place.lineno}"
    return shorten(f"{check.id}: {type(error).__name__}: {error} ({where})", 400)
