"""A check and its outcomes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

CheckFunction = Callable[[Target], Awaitable[None]]


class Level(StrEnum):
    """How important a requirement is."""

    MUST = "MUST"
    """Otherwise the official client or the SDK rejects or misreads the response, data is lost,
    or a user gets access to another user's data."""
    SHOULD = "SHOULD"
    """Otherwise the user has a worse experience."""


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNTESTABLE = "untestable"
    """A prerequisite does not work, so there is no verdict; never counts as passed."""
    SKIPPED = "skipped"
    """The requirement does not apply to this server."""


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement.

    Attributes:
        id: The family, then what it is about; never changes.
        title: What a correct server does, in one line.
        level: See `Level`.
        source: Where the requirement comes from.
        fix: What the owner of the server needs to do.
        needs: Ids of checks that must pass before this one can run.
        last: Whether it inspects the exchanges of all other checks, and so runs after them.
        judges_errors: Whether a server error is the very mistake that it looks for, so that its
            own fix is right for a 5xx; see `diagnosis`.
        function: Returns if the server meets the requirement, raises otherwise.
    """

    id: str
    title: str
    level: Level
    source: str
    fix: str
    needs: frozenset[str]
    last: bool
    judges_errors: bool
    function: CheckFunction

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition("-")[0]


class CheckFailedError(Exception):
    """The server does not meet the requirement.

    Args:
        sent: The request that shows it.
        expected: What a correct server would have sent.
        got: What the server sent.
        fix: What to do in this case, if it is not the check's usual fix.
        level: How important the requirement is in this case, if it is not the check's level.
        exchange: The exchange that shows it, if it is one.
    """

    def __init__(
        self,
        sent: str,
        expected: str,
        got: str,
        *,
        fix: str = "",
        level: Level | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(expected)
        self.sent = sent
        self.expected = expected
        self.got = got
        self.fix = fix
        self.level = level
        self.exchange = exchange


class SkipCheckError(Exception):
    """The requirement does not apply to this server; the message is the reason."""


class UntestableError(Exception):
    """A prerequisite of the check is missing; the message names it."""
