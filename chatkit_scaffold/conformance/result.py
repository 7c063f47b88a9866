"""How one check ended."""

from dataclasses import dataclass

from chatkit_scaffold.conformance.check import Check, Level, Outcome
from chatkit_scaffold.conformance.diagnosis import Kind
from chatkit_scaffold.protocol.exchange import Exchange


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
        kind: For a failure, the kind of its cause.
        exchange: For a failure, the exchange that shows it, if it is one.
        inconclusive: Whether it is untestable because the server limits requests or hangs, which
            no failure needs to explain.
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
    kind: Kind = Kind.OTHER
    exchange: Exchange | None = None
    inconclusive: bool = False
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
        cause = {"cause": self.cause} if self.cause else {}
        facts = (self.facts() | cause).items()
        return "\n".join([self.check.title, *(f"{name}: {value}" for name, value in facts)])


def needs(check_id: str) -> str:
    """Return the reason of a check that is untestable because another one did not pass."""
    return f"needs {check_id}"
