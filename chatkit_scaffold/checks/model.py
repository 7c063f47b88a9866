"""What a check is, how it is declared, and how it ends."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from chatkit_scaffold.exchange import Exchange
from chatkit_scaffold.sse import shorten

if TYPE_CHECKING:
    from chatkit_scaffold.checks.subject import Subject

CheckFunction = Callable[["Subject"], Awaitable[None]]

_VALUE_SHOWN = 400


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


REGISTRY: dict[str, Check] = {}
"""All checks by id, in the order in which they are declared and run."""


def check(
    check_id: str,
    *,
    level: Level,
    source: str,
    fix: str,
    needs: Collection[str] = (),
    last: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Declare a check; the first line of the function's docstring is its title.

    Raises:
        ValueError: The id is taken, or a needed check is not declared before this one.
            (So the order of declaration is an order in which checks can run.)
    """

    def declare(function: CheckFunction) -> CheckFunction:
        unknown = set(needs) - REGISTRY.keys()
        if check_id in REGISTRY or unknown:
            raise ValueError(f"{check_id}: taken, or needs unknown checks {sorted(unknown)}")
        title = (function.__doc__ or "").strip().splitlines()[0]
        REGISTRY[check_id] = Check(
            check_id, title, level, source, fix, frozenset(needs), last, function
        )
        return function

    return declare


def fail(exchange: Exchange | str, expected: str, got: object = None) -> NoReturn:
    """End the check: the server does not meet the requirement.

    Args:
        exchange: The exchange that shows it, or a sentence about several.
        expected: What a right server would have answered.
        got: What came; the exchange's own summary when not given.
    """
    sent = exchange if isinstance(exchange, str) else exchange.sent
    came = exchange.got if isinstance(exchange, Exchange) and got is None else _readable(got)
    raise CheckFailedError(sent, _readable(expected), came)


def require(condition: object, exchange: Exchange | str, expected: str, got: object = None) -> None:
    """Fail unless *condition* holds; see `fail`."""
    if not condition:
        fail(exchange, expected, got)


def require_equal(got: object, expected: object, what: str, exchange: Exchange | str) -> None:
    """Fail unless two values are the same; *what* names them."""
    if got != expected:
        fail(exchange, f"{what}: {_readable(expected)}", f"{what}: {_readable(got)}")


def skip(reason: str) -> NoReturn:
    """End the check: the requirement does not apply, and *reason* says why."""
    raise SkipCheckError(reason)


def untestable(reason: str) -> NoReturn:
    """End the check: what it builds on did not come about, and *reason* says what."""
    raise UntestableError(reason)


def _readable(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return shorten(text, _VALUE_SHOWN)
