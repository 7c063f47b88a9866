"""The result of a run; the modules in `formats` render it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chatkit_scaffold.conformance.check import Check, Level, Outcome

_MOST_IMPORTANT = 3


@dataclass(slots=True)
class Result:
    """How one check ended.

    Attributes:
        check: The requirement.
        outcome: See `Outcome`.
        reason: Why it was skipped or is untestable.
        sent: For a failure, the request that shows it.
        expected: For a failure, what a correct server would have sent.
        got: For a failure, what the server sent.
        fix: For a failure, what to do.
        cause: For a failure, its root cause, if it is not what the check looks for; failures
            with the same cause have one fix.
        level_here: For a failure, how important the requirement is on this server, if it is
            not the check's level.
        seconds: How long the check took.
    """

    check: Check
    outcome: Outcome
    reason: str = ""
    sent: str = ""
    expected: str = ""
    got: str = ""
    fix: str = ""
    cause: str = ""
    level_here: Level | None = None
    seconds: float = 0.0

    @property
    def level(self) -> Level:
        """How important the requirement is; usually the check's level."""
        return self.level_here or self.check.level

    def facts(self) -> dict[str, str]:
        """Return the five lines that describe a failure, by their label."""
        return {
            "sent": self.sent,
            "expected": self.expected,
            "got": self.got,
            "source": self.check.source,
            "fix": self.fix,
        }

    def details(self) -> str:
        """Return the title and the facts of a failure as plain text."""
        return "\n".join([self.check.title, *(f"{k}: {v}" for k, v in self.facts().items())])


@dataclass(slots=True)
class Report:
    """The result of a run.

    Attributes:
        url: The endpoint, without a password.
        results: One for each check, in the order of the run.
        errors: Bugs in our own checks.
        leftover_threads: Threads that the run created and could not remove.
        unfinished: Why the run ended early; empty if it did not.
        seconds: How long the run took.
        requests: How many requests were sent.
    """

    url: str
    results: list[Result]
    errors: list[str] = field(default_factory=list)
    leftover_threads: list[str] = field(default_factory=list)
    unfinished: str = ""
    seconds: float = 0.0
    requests: int = 0

    @property
    def failures(self) -> list[Result]:
        """The checks that failed."""
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def required_failures(self) -> list[Result]:
        """The failed checks that are a MUST."""
        return [result for result in self.failures if result.level is Level.MUST]

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
        """Return 1 if a required check failed, 2 if there is no verdict, else 0.

        Args:
            strict: Whether every SHOULD is required as well.
        """
        if self.failures if strict else self.required_failures:
            return 1
        return 0 if self.complete else 2

    def most_important(self) -> list[Result]:
        """Return the three failures to fix first.

        A MUST comes before a SHOULD, and a failure that blocks many other checks comes before
        one that blocks few.
        """
        ranked = sorted(
            self.failures,
            key=lambda result: (
                result.level is not Level.MUST,
                -self._blocked_by(result.check.id),
            ),
        )
        return ranked[:_MOST_IMPORTANT]

    def by_family(self) -> dict[str, list[Result]]:
        """Return the results by family, families in the order in which they first appear."""
        families: dict[str, list[Result]] = {}
        for result in self.results:
            families.setdefault(result.check.family, []).append(result)
        return families

    def untestable_by_cause(self) -> dict[str, list[Result]]:
        """Return the untestable results by what blocks them in the end.

        A check that needs an untestable check has the same cause as that one.
        """
        causes: dict[str, str] = {}
        grouped: dict[str, list[Result]] = {}
        for result in self.results:
            if result.outcome is not Outcome.UNTESTABLE:
                continue
            inherited = [causes[need] for need in result.check.needs if need in causes]
            cause = causes[result.check.id] = min(inherited, default=result.reason)
            grouped.setdefault(cause, []).append(result)
        return grouped

    def totals(self) -> str:
        """Return the run's numbers in one line."""
        counts = self.counts
        required = f" ({len(self.required_failures)} required)" if self.failures else ""
        parts = [
            f"{counts[Outcome.PASSED]} passed",
            f"{counts[Outcome.FAILED]} failed{required}",
            f"{counts[Outcome.UNTESTABLE]} untestable",
            f"{counts[Outcome.SKIPPED]} skipped",
        ]
        return (
            f"{len(self.results)} checks: {', '.join(parts)}; "
            f"{self.requests} requests in {self.seconds:.1f} s"
        )

    def summary(self) -> dict[str, Any]:
        """Return the run's numbers for programs."""
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
