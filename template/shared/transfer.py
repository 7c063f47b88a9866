"""Moves everything that a store keeps into another one, through a file of lines."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from pydantic import ValidationError

from app.base import StoreUnavailableError
from app.entries import (
    VERSION,
    Entry,
    Footer,
    Header,
    Record,
    Section,
    Tally,
    name_of,
    parse_line,
)
from app.errors import StartupError, first_problem

BATCH_LINES = 500
BATCH_BYTES = 1_000_000
"""A batch ends with so many lines, or bytes; the store gets all of it at once."""

STEP = 100_000
"""Entries after which progress is reported."""

_HEADER_BYTES = 1000
"""More than a header has: a file of another kind may have no line ends."""

Batch = Sequence[Entry]


class Progress:
    """Reports how many entries were read or written, every now and then."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._next = STEP

    def show(self, total: int) -> None:
        """Report the number if it is time."""
        if total >= self._next:
            self._next = total - total % STEP + STEP
            self._output.write(f"{total:,} entries\n")


@dataclass
class Outcome:
    """What became of the entries of a file.

    Attributes:
        counts: How many of them are in the store now, by type.
        found: How many of these were there before.
        lost: How many could not be kept as they are in the file, by what is missing.
        digest: The file's, which an export of this store has, too, if nothing was lost.
    """

    counts: Counter[str] = field(default_factory=Counter)
    found: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    digest: str = ""


async def export_to(file: BinaryIO, sections: Sequence[Section], progress: Progress) -> Footer:
    """Write everything that the store keeps.

    Raises:
        BrokenPipeError: Nobody reads the file any more.
        StartupError: The store cannot be read, or the file cannot be written.
    """
    header = Header(type="header", format="chatkit-backend", version=VERSION).line()
    tally = Tally(header)
    _write(file, header)
    async for entry in _dump(sections, tally):
        line = entry.line()
        _write(file, line)
        tally.add(entry, line)
        progress.show(tally.total)
    footer = tally.footer()
    _write(file, footer.line(), last=True)
    return footer


async def import_from(
    file: BinaryIO, sections: Sequence[Section], progress: Progress, *, resume: bool
) -> Outcome:
    """Add to the store what `export_to` has written, batch by batch.

    Args:
        file: Read once, to its end.
        sections: The parts of the store.
        progress: Learns how far the import is.
        resume: Continue an import that broke off, instead of requiring an empty store.

    Raises:
        StartupError: The file is not a whole export, or the store is not empty, or refuses it.
    """
    tally = Tally(_read_header(file))
    outcome = Outcome()
    with _naming_the_rest(outcome):
        if not resume:
            await _require_empty(sections)
        for batch in _batches(file, tally):
            for section in sections:
                await _load(batch, section, outcome, resume=resume)
            _leave_out(batch, sections, outcome)
            progress.show(tally.total)
    outcome.digest = tally.footer().digest
    return outcome


async def _dump(sections: Sequence[Section], tally: Tally) -> AsyncIterator[Entry]:
    try:
        for section in sections:
            async for entry in section.dump():
                yield entry
    except ValueError as error:
        raise StartupError(
            f"the entry after {tally.total:,} others cannot be read: {_problem(error)}"
        ) from error
    except StoreUnavailableError as error:
        raise StartupError(str(error)) from error


def _write(file: BinaryIO, line: bytes, *, last: bool = False) -> None:
    try:
        file.write(line)
        if last:
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = str(error.strerror).lower()
        raise StartupError(f"standard output cannot be written: {reason}") from error


def _read_header(file: BinaryIO) -> bytes:
    """Return the first line.

    Raises:
        StartupError: It is not one that this version can read on after.
    """
    line = file.readline(_HEADER_BYTES)
    if not line:
        raise StartupError("standard input is empty: python -m app import < FILE")
    try:
        header = Header.model_validate_json(line)
    except ValidationError:
        raise StartupError(
            "standard input does not begin like a file of `python -m app export`"
        ) from None
    if header.version != VERSION:
        raise StartupError(
            f"the file has version {header.version} of its format, and this backend reads "
            f"version {VERSION}: import it with the release that wrote it, or a newer one"
        )
    return line


async def _require_empty(sections: Sequence[Section]) -> None:
    for section in sections:
        if not await section.is_empty():
            raise StartupError(
                "the store is not empty: import into an empty one, "
                "or add --resume if an import broke off"
            )


@contextmanager
def _naming_the_rest(outcome: Outcome) -> Iterator[None]:
    """Say how to go on, if there is an error after something was written."""
    try:
        yield
    except (StartupError, StoreUnavailableError) as error:
        done = outcome.counts.total()
        rest = (
            f"; {done:,} of its entries are in the store: go on with the whole, unchanged file "
            "(python -m app import --resume < FILE), or empty the store before you import another"
        )
        raise StartupError(f"{error}{rest if done else ''}") from error


def _batches(file: BinaryIO, tally: Tally) -> Iterator[Batch]:
    """Read the lines up to the footer.

    The last batch only comes when the footer agrees with all lines, so nothing of a short file
    that was changed is written.

    Raises:
        StartupError: The file was cut off or changed.
    """
    batch: list[Entry] = []
    size = 0
    while True:
        line = file.readline()
        entry = _parse(line, tally)
        if isinstance(entry, Footer):
            _require_end(file, entry, tally)
            yield batch
            return
        tally.add(entry, line)
        batch.append(entry)
        size += len(line)
        if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0


def _parse(line: bytes, tally: Tally) -> Entry | Footer:
    try:
        return parse_line(line)
    except ValueError as error:
        if not line.endswith(b"\n"):
            raise StartupError(f"the file is cut off after {tally.total:,} entries") from None
        raise StartupError(
            f"line {tally.total + 2:,} is not one of an export: {_problem(error)}"
        ) from None


def _require_end(file: BinaryIO, footer: Footer, tally: Tally) -> None:
    if file.read(1):
        raise StartupError("the file goes on after its footer: import one export at a time")
    if footer != tally.footer():
        raise StartupError(
            "the file was changed or damaged: its lines do not agree with the footer"
        )


async def _load(batch: Batch, section: Section, outcome: Outcome, *, resume: bool) -> None:
    """Add what belongs to a section; when resuming, only what is missing.

    Raises:
        StartupError: The store has another entry of the same name.
    """
    own = [entry for entry in batch if isinstance(entry, section.kinds)]
    entries = [section.fit(entry) for entry in own]
    found = {name_of(entry): entry for entry in await section.find(entries)} if resume else {}
    missing = []
    for entry in entries:
        stored = found.get(name_of(entry))
        if stored is None:
            missing.append(entry)
        elif stored != entry:
            name = " ".join(name_of(entry))
            raise StartupError(f"the store has another {name!r} than the file")
    if missing:
        await section.load(missing)
    outcome.counts.update(f"{entry.type}s" for entry in entries)
    outcome.found += len(entries) - len(missing)
    for entry, fitted in zip(own, entries, strict=True):
        changed = (name for name, value in fitted if value != getattr(entry, name))
        outcome.lost.update(f"{entry.type} {name}" for name in changed)


def _leave_out(batch: Batch, sections: Sequence[Section], outcome: Outcome) -> None:
    """Count what no section keeps."""
    kinds = tuple(kind for section in sections for kind in section.kinds)
    for entry in batch:
        if not isinstance(entry, kinds):
            name = entry.kind if isinstance(entry, Record) else f"{entry.type}s"
            outcome.lost[name] += 1


def _problem(error: ValueError) -> str:
    """Describe what is wrong, without the entry: it may be a user's message."""
    return first_problem(error) if isinstance(error, ValidationError) else str(error)
