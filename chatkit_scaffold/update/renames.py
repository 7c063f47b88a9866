"""Which files a side renamed, as a release declares it or as git finds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.trees import Entries

Moves = Mapping[str, str | Sequence[str]]
"""Old path to new path, or to several of which the first has most of the file."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The three trees of a merge.

    Attributes:
        base: The render of the recorded version.
        ours: What the user made of it.
        theirs: The render of the new version.
    """

    base: Entries
    ours: Entries
    theirs: Entries


def declared(sides: Sides, moves: Moves) -> tuple[Sides, dict[str, str]]:
    """Make the renames that a release declares in base and ours, so that they are certain.

    A rename is left to git if it cannot be made without loss: if a file is in its way.

    Returns:
        The sides, and the old path of each file renamed in base or moved with such a file.
    """
    targets = {old: _first(new) for old, new in moves.items()}
    # A file that is itself renamed is in nobody's way.
    in_base, in_ours = ({*side} - {*targets} for side in (sides.base, sides.ours))
    made = {
        old: new
        for old, new in targets.items()
        if old in sides.base
        and new in sides.theirs
        and not _in_way(new, in_base)
        and not (old in sides.ours and _in_way(new, in_ours))
        # Where two files become one, neither is simply renamed.
        and [*targets.values()].count(new) == 1
    }
    followers = _own_migrations(sides, made)
    ours = _renamed(sides.ours, {**made, **followers})
    moved = replace(sides, base=_renamed(sides.base, made), ours=ours)
    return moved, {new: old for old, new in {**made, **followers}.items()}


def found(repository: Repository, old: str, new: str, below: str) -> dict[str, str]:
    """Return the files that git takes for renamed between two trees: old path to new path.

    Args:
        repository: The repository that has the trees.
        old: A tree.
        new: Another tree.
        below: The path of the project in both, with a slash at its end; it is cut off.
    """
    printed = repository.git(
        "diff-tree", "-r", "-z", "-M", "-l7000", "--no-rename-empty", "--diff-filter=R", old, new
    )
    fields = printed.split("\0")[:-1]
    paths = [field.removeprefix(below) for field in fields]
    return {paths[at + 1]: paths[at + 2] for at in range(0, len(paths), 3)}


def _own_migrations(sides: Sides, made: Mapping[str, str]) -> dict[str, str]:
    """Return the renames of the user's own migrations if the template's are in another folder now.

    Every other file of the user's stays where it is; but Alembic reads one folder, and would not
    know the revision that the database has.
    """
    folders = {
        old.parent: new.parent
        for old, new in ((PurePosixPath(old), PurePosixPath(new)) for old, new in made.items())
        if old.match("migrations/versions/*.py") and old.parent != new.parent
    }
    own = (PurePosixPath(path) for path in sides.ours.keys() - sides.base.keys())
    renames = {
        str(path): str(folders[path.parent] / path.name) for path in own if path.parent in folders
    }
    paths = sides.theirs.keys() | sides.ours.keys()
    return {old: new for old, new in renames.items() if new not in paths}


def _first(new: str | Sequence[str]) -> str:
    return new if isinstance(new, str) else new[0]


def _in_way(path: str, paths: set[str]) -> bool:
    """Return whether *path* cannot be added: it is a file, below a file, or a folder."""
    parents = {str(parent) for parent in PurePosixPath(path).parents}
    return (
        path in paths
        or bool(parents & paths)
        or any(other.startswith(f"{path}/") for other in paths)
    )


def _renamed(entries: Entries, renames: Mapping[str, str]) -> Entries:
    return {renames.get(path, path): entry for path, entry in entries.items()}
