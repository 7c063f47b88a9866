"""The result of a run; the modules in `formats` render it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chatkit_scaffold.conformance.causes import RootCause, root_causes, unexplained
from chatkit_scaffold.conformance.check import Level, Outcome
from chatkit_scaffold.conformance.result import Result
from chatkit_scaffold.text import shorten

_MOST_IMPORTANT = 3


@dataclass(slots=True)
class Report:
    """The result of a run.

    Attributes:
        url: The endpoint, without a password.
        results: One for each check, in the order of the run.
        errors: Bugs in our own checks.
        leftover_threads: Threads that the run created and could not remove.
        leftover_reasons: Why they could not be removed, by id.
        unfinished: Why the run ended early; empty if it did not.
        seconds: How long the run took.
        requests: How many requests were sent.
    """

    url: str
    results: list[Result]
    errors: list[str] = field(default_factory=list)
    leftover_threads: list[str] = field(default_factory=list)
    leftover_reasons: dict[str, str] = field(default_factory=dict)
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

    def root_causes(self) -> list[RootCause]:
        """Return the causes of all failures, the one to fix first first."""
        return root_causes(self.results)

    def most_important(self) -> list[RootCause]:
        """Return the three causes to fix first."""
        return self.root_causes()[:_MOST_IMPORTANT]

    def untestable_by_cause(self) -> dict[str, list[Result]]:
        """Return the untestable results by what blocks them in the end."""
        explained = {cause.reason: cause.blocked for cause in self.root_causes() if cause.blocked}
        return explained | unexplained(self.results)

    def by_family(self) -> dict[str, list[Result]]:
        """Return the results by family, families in the order in which they first appear."""
        families: dict[str, list[Result]] = {}
        for result in self.results:
            families.setdefault(result.check.family, []).append(result)
        return families

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

    def leftovers(self) -> list[str]:
        """Return a line for each reason why threads of the run are left."""
        by_reason: dict[str, list[str]] = {}
        for thread_id in self.leftover_threads:
            reason = self.leftover_reasons.get(thread_id, "")
            by_reason.setdefault(reason, []).append(shorten(thread_id))
        return [
            f"Threads that could not be deleted{f' ({why})' if why else ''}: {', '.join(ids)}"
            for why, ids in by_reason.items()
        ]

    def summary(self) -> dict[str, Any]:
        """Return the run's numbers for programs."""
        return {
            "url": self.url,
            "counts": {str(outcome): count for outcome, count in self.counts.items()},
            "required_failures": [result.check.id for result in self.required_failures],
            "requests": self.requests,
            "seconds": round(self.seconds, 2),
        }
