"""Groups the failures and the checks they block by what is behind them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chatkit_scaffold.conformance.check import Level, Outcome
from chatkit_scaffold.conformance.diagnosis import Kind
from chatkit_scaffold.conformance.result import Result, needs


@dataclass(slots=True)
class RootCause:
    """What is behind one or more failures.

    Attributes:
        name: The cause in a few words, or the id of the check that looks for just this.
        failures: The checks that failed because of it, in the order of the run.
        blocked: The checks that could not be tested because of it.
    """

    name: str
    failures: list[Result]
    blocked: list[Result] = field(default_factory=list)

    @property
    def first(self) -> Result:
        """The failure that represents the others."""
        return self.failures[0]

    @property
    def title(self) -> str:
        """What is wrong, in one line."""
        cause = self.first.cause
        return f"{cause[:1].upper()}{cause[1:]}" if cause else self.first.check.title

    @property
    def reason(self) -> str:
        """Why the blocked checks could not be tested."""
        return self.first.cause or needs(self.name)

    @property
    def kind(self) -> Kind:
        """The kind that explains most."""
        return min(result.kind for result in self.failures)

    @property
    def level(self) -> Level:
        """MUST if one of the failures is one."""
        required = any(result.level is Level.MUST for result in self.failures)
        return Level.MUST if required else Level.SHOULD

    @property
    def explains(self) -> list[str]:
        """The ids of the other checks that it explains: the failed ones, then the blocked ones."""
        return [result.check.id for result in (*self.failures[1:], *self.blocked)]


def root_causes(results: Iterable[Result]) -> list[RootCause]:
    """Return the causes of all failures, the one to fix first first.

    Causes of a kind from which others follow come first; then those of a MUST; then those that
    explain most checks.
    """
    causes: dict[str, RootCause] = {}
    results = list(results)
    for result in results:
        if result.outcome is Outcome.FAILED:
            name = result.cause or result.check.id
            causes.setdefault(name, RootCause(name, [])).failures.append(result)
    blocked, _ = _traced(results)
    for name, untestable in blocked.items():
        causes[name].blocked = untestable
    return sorted(
        causes.values(),
        key=lambda cause: (cause.kind, cause.level is not Level.MUST, -len(cause.explains)),
    )


def unexplained(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the untestable results that no failure explains, by their reason."""
    return _traced(list(results))[1]


def _traced(results: list[Result]) -> tuple[dict[str, list[Result]], dict[str, list[Result]]]:
    """Return the untestable results by the cause that blocks them, and the others by reason.

    A check that needs an untestable check has the cause, or the reason, of that one.
    """
    failed = {
        result.check.id: result.cause or result.check.id
        for result in results
        if result.outcome is Outcome.FAILED
    }
    origin: dict[str, str] = dict(failed)
    blocked: dict[str, list[Result]] = {}
    others: dict[str, list[Result]] = {}
    for result in results:
        if result.outcome is not Outcome.UNTESTABLE:
            continue
        needed = [origin[check_id] for check_id in origin if result.reason == needs(check_id)]
        name = origin[result.check.id] = needed[0] if needed else result.reason
        group = blocked if name in failed.values() else others
        group.setdefault(name, []).append(result)
    return blocked, others
