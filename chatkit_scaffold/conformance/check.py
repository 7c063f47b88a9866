"""What a check is, and how it can end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from chatkit_scaffold.conformance.target import Target

CheckFunction = Callable[[Target], Awaitable[None]]


class Level(StrEnum):
    """How much a requirement matters."""

    MUST = "MUST"
    """Else the official client or the SDK rejects or misreads the answer, data is lost, or
    one user reaches another's."""
    SHOULD = "SHOULD"
    """Else the user gets a worse answer."""


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNTESTABLE = "untestable"
    """What the check builds on does not work; it says nothing and is never counted as good."""
    SKIPPED = "skipped"
    """The requirement does not apply here; a reason is given."""


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement.

    Attributes:
        id: Family, then what it is about; never changes.
        title: What a right server does, in one line.
        level: See `Level`.
        source: Where the requirement comes from.
        fix: What the owner of the server has to do.
        needs: Ids of checks that must have passed for this one to mean anything.
        last: Looks at everything the others made happen, so it runs after them.
        function: Returns when the requirement is met, else raises.
    """

    id: str
    title: str
    level: Level
    source: str
    fix: str
    needs: frozenset[str]
    last: bool
    function: CheckFunction

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition("-")[0]


class CheckFailedError(Exception):
    """The server does not meet the requirement.

    Args:
        sent: The request that shows it.
        expected: What a right server would have answered.
        got: What came.
    """

    def __init__(self, sent: str, expected: str, got: str) -> None:
        super().__init__(expected)
        self.sent = sent
        self.expected = expected
        self.got = got


class SkipCheckError(Exception):
    """The requirement does not apply to this server; the text says why."""


class UntestableError(Exception):
    """What the check builds on did not come about; the text says what."""
