"""What a release must say about what it renames or removes, and does not."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from chatkit_scaffold.generator.release import Release
from chatkit_scaffold.generator.releases import for_answers
from tests.generator.inventory import Combination, Inventory


def gaps(old: Inventory, new: Inventory, release: Release) -> list[str]:
    """Return sentences about what is missing in a release's file, and what is there in vain."""
    by_name = [gap for kind in _kinds(old, new, release) for gap in kind.gaps()]
    return [*by_name, *_variables_in_vain(old, new, release), *_file_gaps(old, new, release)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Things with names, of which some are gone.

    Attributes:
        name: What they are.
        old: Their names in the old version, as far as questions go with the new names.
        new: Their names in the new version.
        removed: Names with a note that they are removed.
        renamed: Old names and new ones.
    """

    name: str
    old: Collection[str]
    new: Collection[str]
    removed: Collection[str]
    renamed: Mapping[str, str] = field(default_factory=dict)

    def gaps(self) -> Iterator[str]:
        gone, said = {*self.old} - {*self.new}, {*self.removed, *self.renamed}
        yield from (f"{self.name} {one} is gone without a note" for one in sorted(gone - said))
        yield from (f"{self.name} {one} is noted, but not gone" for one in sorted(said - gone))
        missing = {*self.renamed.values()} - {*self.new}
        yield from (f"{self.name} {one} is a new name of nothing" for one in sorted(missing))


def _kinds(old: Inventory, new: Inventory, release: Release) -> Iterator[_Kind]:
    mappings, removed = release.mappings, release.projects.removed
    yield _Kind("question", old.questions, new.questions, removed.questions, mappings.questions)
    for before, choices in old.choices.items():
        axis = mappings.questions.get(before, before)
        if axis in new.choices:
            notes, renamed = removed.choices.get(axis, {}), mappings.choices.get(axis, {})
            yield _Kind(f"choice of {axis}", choices, new.choices[axis], notes, renamed)
    yield _Kind("variable", old.variables, new.variables, release.projects.variables_removed)
    yield _Kind("endpoint", old.endpoints, new.endpoints, removed.endpoints)
    yield _Kind("migration", old.revisions, new.revisions, (), mappings.migrations)


def _variables_in_vain(old: Inventory, new: Inventory, release: Release) -> Iterator[str]:
    noted = release.projects.variables_added.keys()
    yield from (
        f"variable {name} is noted, but not new" for name in noted - (new.variables - old.variables)
    )


def _file_gaps(old: Inventory, new: Inventory, release: Release) -> list[str]:
    """Return the gaps of all combinations of choices, each once."""
    moved, gone = release.mappings.files, release.projects.removed.files
    unused = {*moved, *gone}
    found: dict[str, None] = {}
    for combination, files in old.files.items():
        answers = _carried_over(combination, old, new, release)
        if answers is None:
            continue
        noted = for_answers(release, dict(answers))["removed"]["files"]
        after = new.files[answers]
        missing = files - after
        unused -= missing
        for path in missing:
            if path not in moved and path not in noted:
                found[f"file {path} is gone without a note or a mapping"] = None
            if path in moved and moved[path][0] not in after:
                found[f"file {path} is mapped to {moved[path][0]}, which is not there"] = None
        targets = Counter(moved[path][0] for path in missing if path in moved)
        for target, number in targets.items():
            if number > 1 or target in files:
                found[f"file {target} inherits the history of more than one file"] = None
    return [*sorted(found), *(f"file {path} is noted, but not gone" for path in sorted(unused))]


def _carried_over(
    combination: Combination, old: Inventory, new: Inventory, release: Release
) -> Combination | None:
    """Return the answers in the new version, with defaults; None if a choice is gone."""
    mappings = release.mappings
    renamed = {
        (axis := mappings.questions.get(before, before)): mappings.choices.get(axis, {}).get(
            choice, choice
        )
        for before, choice in combination
    }
    kept = frozenset((axis, choice) for axis, choice in renamed.items() if axis in new.choices)
    known = {mappings.questions.get(axis, axis) for axis in old.choices}
    added = {(axis, default) for axis, default in new.defaults.items() if axis not in known}
    possible = [answers for answers in new.files if kept <= answers <= kept | added]
    return max(possible, key=len, default=None)
