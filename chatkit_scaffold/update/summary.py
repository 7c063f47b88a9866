"""What became of each file in a merge."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chatkit_scaffold.update.outcome import Files, Rename
from chatkit_scaffold.update.renames import Sides
from chatkit_scaffold.update.trees import Entries


@dataclass(frozen=True, slots=True)
class Renames:
    """The renames of a merge.

    Attributes:
        declared: New path to old path, of the files renamed before the merge, also of those that
            only the user has.
        ours: Old path to new path, of the files that the user renamed.
        theirs: Old path to new path, of the files that the template renamed.
    """

    declared: Mapping[str, str]
    ours: Mapping[str, str]
    theirs: Mapping[str, str]

    def listed(self, base: Entries) -> tuple[Rename, ...]:
        """Return those that one side made, sorted; both may have renamed a file differently."""
        # A migration of the user's, which the template does not have, moves with the template's.
        listed = {
            Rename(old, new, "template") for new, old in self.declared.items() if new not in base
        }
        for path in base:
            old = self.declared.get(path, path)
            yours, new = self.ours.get(path), self.theirs.get(path)
            if yours and yours != new:
                listed.add(Rename(old, yours, "you"))
            if new and new != yours:
                listed.add(Rename(old, new, "template"))
            elif old != path and not yours:
                listed.add(Rename(old, path, "template"))
        return tuple(sorted(listed, key=lambda rename: (rename.old, rename.new)))


def summarize(
    sides: Sides,
    result: Entries,
    renames: Renames,
    *,
    deleted: Collection[str],
    conflicts: Collection[str],
) -> Files:
    """Return the lists of files.

    Args:
        sides: The trees that were merged.
        result: Their merge.
        renames: What each side renamed.
        deleted: The files that the user deleted and the template changed.
        conflicts: The files in conflict, which are in no list.
    """
    lists: dict[str, set[str]] = {}
    settled = result.keys() - set(conflicts)
    origins = {new: old for side in (renames.theirs, renames.ours) for old, new in side.items()}
    for path in settled:
        if name := _list_of(path, origins.get(path, path), sides, result, renames):
            lists.setdefault(name, set()).add(path)
    lists["removed"] = {
        path
        for path in sides.ours.keys() & sides.base.keys() - result.keys() - set(conflicts)
        if path not in renames.theirs
    }
    return Files(
        **{name: tuple(sorted(paths)) for name, paths in lists.items()},
        deleted_kept=tuple(sorted(deleted)),
        renamed=renames.listed(sides.base),
    )


def _list_of(path: str, origin: str, sides: Sides, result: Entries, renames: Renames) -> str | None:
    """Return the list for a file of the result that was *origin* in base, if it was there."""
    ours = sides.ours.get(yours := renames.ours.get(origin, origin))
    theirs = sides.theirs.get(new := renames.theirs.get(origin, origin))
    base = sides.base.get(origin)
    if ours is None:
        return "added"
    moved = origin in renames.declared
    you_changed = ours != base or yours != origin
    template_changed = theirs != base or new != origin or moved
    done_before = ours == result[path] and yours == path == origin and not moved
    if not template_changed or theirs is None or done_before:
        return "kept" if you_changed else None
    return "merged" if you_changed else "updated"
