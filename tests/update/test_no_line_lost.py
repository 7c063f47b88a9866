"""Random edits of two sides: every line that one added is there, in its order."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.update.three_sides import Content, Result, merge_files

FILES = 4
LINES = 12

Files = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a side does to one file.

    Attributes:
        deleted: Whether it deletes the file.
        renamed: Whether it renames the file.
        removed: The numbers of the lines that it removes.
        inserted: The numbers of the lines before which it adds one.
    """

    deleted: bool
    renamed: bool
    removed: frozenset[int]
    inserted: frozenset[int]

    def applied(self, lines: list[str], word: str) -> list[str]:
        """Return the file after the edit; each added line is unique."""
        result = []
        for number, line in enumerate(lines):
            result += [f"{word} {line}"] if number in self.inserted else []
            result += [] if number in self.removed else [line]
        return result


numbers = st.frozensets(st.integers(0, LINES - 1), max_size=3)
edits = st.builds(
    Edit,
    deleted=st.sampled_from([False] * 5 + [True]),
    renamed=st.sampled_from([False] * 3 + [True]),
    removed=numbers,
    inserted=numbers,
)
sides = st.lists(edits, min_size=FILES, max_size=FILES)


def side(base: Files, edit: list[Edit], word: str) -> Files:
    """Return the files of a side."""
    return {
        f"{word}/{name}" if change.renamed else name: change.applied(base[name], word)
        for name, change in zip(base, edit, strict=True)
        if not change.deleted
    } | {f"{word}.py": [f"own file of {word}"]}


@settings(max_examples=12, deadline=None)
@given(sides, sides)
def test_no_line_is_lost(ours_edits: list[Edit], theirs_edits: list[Edit]) -> None:
    """Whatever both do, each line is in the result, in a list of the report, or removed."""
    base = {f"{n}.py": [f"file {n} line {line}" for line in range(LINES)] for n in range(FILES)}
    ours, theirs = side(base, ours_edits, "ours"), side(base, theirs_edits, "theirs")
    with TemporaryDirectory() as folder:
        result = merge_files(Path(folder), contents(base), contents(ours), contents(theirs))
    found = {line for content in result.files.values() for line in content.splitlines()}

    assert lines_of(ours) - lines_of(base) <= found
    listed = {path for path in theirs if path in result.merged.files.deleted_kept}
    assert (
        lines_of({path: theirs[path] for path in theirs.keys() - listed}) - lines_of(base) <= found
    )
    neither_removed = lines_of(base) & lines_of(ours) & lines_of(theirs)
    assert neither_removed <= found
    for path, content in result.files.items():
        in_order(content.splitlines(), [*ours.values(), *theirs.values()], path)
    every_difference_is_listed(result, ours)


def contents(files: Files) -> dict[str, Content]:
    """Return the files as texts."""
    return {path: "".join(f"{line}\n" for line in lines) for path, lines in files.items()}


def lines_of(files: Files) -> set[str]:
    """Return all lines of all files."""
    return {line for lines in files.values() for line in lines}


def in_order(merged: list[str], versions: list[list[str]], path: str) -> None:
    """Check that lines which a side has in some order are in no other order in a clean file."""
    if any(line.startswith("<<<<<<<") for line in merged):
        return
    assert len(merged) == len({*merged}), f"{path} has a line twice"
    for version in versions:
        shared = [line for line in merged if line in version]
        assert shared == [line for line in version if line in merged], path


def every_difference_is_listed(result: Result, ours: Files) -> None:
    """Check that a file is in exactly one list, and that no change goes without saying."""
    lists = [path for paths in result.lists().values() for path in paths]
    conflicts = {conflict.path for conflict in result.merged.conflicts}
    renamed = {old for old, _, _ in result.renamed()}
    before = contents(ours)
    changed = {
        path
        for path in before.keys() | result.files.keys()
        if before.get(path) != result.files.get(path)
    }
    assert len(lists) == len({*lists})
    assert conflicts.isdisjoint(lists)
    assert changed <= {*lists} | conflicts | renamed
