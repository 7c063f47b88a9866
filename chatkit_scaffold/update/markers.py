"""Conflict markers around lines that the user has to decide about."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatkit_scaffold.update.source import Source


@dataclass(frozen=True, slots=True)
class Place:
    """Lines to decide about.

    Attributes:
        first: The number of the first line.
        last: The number of the last one.
        instead: A suggestion for these lines, without their last line end; may be empty.
        reason: What is the matter.
    """

    first: int
    last: int
    instead: str
    reason: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A file with conflicts.

    Attributes:
        content: With markers.
        suggestion: With every suggestion taken.
        reasons: Pairs of the line of a first marker and what is the matter.
        added: Pairs of a line and the number of lines that are new before it.
    """

    content: bytes
    suggestion: bytes
    reasons: tuple[tuple[int, str], ...]
    added: tuple[tuple[int, int], ...]

    def line(self, number: int) -> int:
        """Return the number that a line has with the markers."""
        return number + sum(new for line, new in self.added if line <= number)


def mark(source: Source, places: Iterable[Place], label: str) -> Marked:
    """Return a file with markers around *places*; *label* names the other side."""
    marked: list[str] = []
    suggested: list[str] = []
    reasons: list[tuple[int, str]] = []
    added: list[tuple[int, int]] = []
    done = 0
    for place in _joined(places):
        same = source.lines[done : place.first - 1]
        old = list(_ended(source.lines[place.first - 1 : place.last], source.newline))
        new = [f"{place.instead}{source.newline}"] if place.instead else []
        reasons.append((_count(marked) + len(same) + 1, place.reason))
        marked += [*same, f"<<<<<<< yours{source.newline}", *old, f"======={source.newline}"]
        marked += [*new, f">>>>>>> {label}{source.newline}"]
        suggested += [*same, *new]
        added += [(place.first, 1), (place.last + 1, 2 + _count(new))]
        done = place.last
    rest = source.lines[done:]
    return Marked(
        "".join([*marked, *rest]).encode(source.encoding),
        "".join([*suggested, *rest]).encode(source.encoding),
        tuple(reasons),
        tuple(added),
    )


def _joined(places: Iterable[Place]) -> Iterator[Place]:
    """Yield the places in order, those that share a line as one."""
    current: Place | None = None
    for place in sorted(places, key=lambda each: (each.first, -each.last)):
        if current is None or place.first > current.last:
            if current:
                yield current
            current = place
        else:
            last, reasons = max(current.last, place.last), dict.fromkeys([current.reason])
            if place.reason not in reasons:
                reasons[place.reason] = None
            instead = current.instead if place.last <= current.last else ""
            current = Place(current.first, last, instead, ", and ".join(reasons))
    if current:
        yield current


def _ended(lines: Iterable[str], newline: str) -> Iterator[str]:
    """Yield lines with an end, which the last line of a file may lack."""
    return (line if line.endswith(("\n", "\r")) else f"{line}{newline}" for line in lines)


def _count(lines: Iterable[str]) -> int:
    # A suggestion of several lines is one item.
    return sum(line.count("\n") or 1 for line in lines)
