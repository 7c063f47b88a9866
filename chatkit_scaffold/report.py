"""What a run found; `report_formats` writes it down."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chatkit_scaffold.checks.model import Check, Level, Outcome

_MOST_IMPORTANT = 3


@dataclass(slots=True)
class Result:
    """How one check ended.

    Attributes:
        check: The requirement.
        outcome: See `Outcome`.
        reason: Why it was skipped or is untestable.
        sent: For a failure, the request that shows it.
        expected: For a failure, what a right server would have answered.
        got: For a failure, what came.
        seconds: How long the check took.
    """

    check: Check
    outcome: Outcome
    reason: str = ""
    sent: str = ""
    expected: str = ""
    got: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """What a run found.

    Attributes:
        url: The endpoint, without a password.
        results: One for each check, in the order of the run.
        errors: Mistakes of our own.
        left: Threads that were made and could not be removed.
        unfinished: Why the run was broken off; empty when it was not.
        seconds: How long the run took.
        requests: How many requests were sent.
    """

    url: str
    results: list[Result]
    errors: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unfinished: str = ""
    seconds: float = 0.0
    requests: int = 0

    @property
    def failures(self) -> list[Result]:
        """The checks that failed."""
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def required_failures(self) -> list[Result]:
        """The checks that failed and are a MUST."""
        return [result for result in self.failures if result.check.level is Level.MUST]

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many checks ended in each way."""
        counted = Counter(result.outcome for result in self.results)
        return {outcome: counted[outcome] for outcome in Outcome}

    @property
    def complete(self) -> bool:
        """Whether every check ended in a verdict, or in a failure that explains why not."""
        if self.errors or self.unfinished:
            return False
        return bool(self.failures) or not self.counts[Outcome.UNTESTABLE]

    def exit_status(self, *, strict: bool = False) -> int:
        """Return 1 if something required failed, 2 if there is no verdict, else 0.

        Args:
            strict: Whether what SHOULD be is required as well.
        """
        if self.failures if strict else self.required_failures:
            return 1
        return 0 if self.complete else 2

    def most_important(self) -> list[Result]:
        """Return the three failures to mend first.

        A MUST comes before a SHOULD, and what keeps many other checks from saying anything
        before what keeps few.
        """
        ranked = sorted(
            self.failures,
            key=lambda result: (
                result.check.level is not Level.MUST,
                -self._blocked_by(result.check.id),
            ),
        )
        return ranked[:_MOST_IMPORTANT]

    def summary(self) -> dict[str, Any]:
        """Return the report's numbers for machines."""
        return {
            "url": self.url,
            "counts": {str(outcome): count for outcome, count in self.counts.items()},
            "required_failures": [result.check.id for result in self.required_failures],
            "requests": self.requests,
            "seconds": round(self.seconds, 2),
        }

    def _blocked_by(self, check_id: str) -> int:
        blocked = {check_id}
        for result in self.results:
            if result.outcome is Outcome.UNTESTABLE and result.check.needs & blocked:
                blocked.add(result.check.id)
        return len(blocked) - 1
