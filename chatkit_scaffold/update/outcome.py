"""What an update found and did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Rename:
    """A file that one side renamed; the changes of the other side followed it.

    Attributes:
        old: Its path in the render of the recorded version.
        new: Its path in the result.
        by: Who renamed it.
    """

    old: str
    new: str
    by: Literal["you", "template"]


@dataclass(frozen=True, slots=True)
class Files:
    """The paths of a merge, below the project's folder, each in one list.

    Attributes:
        added: New in the template.
        updated: Changed by the template only.
        merged: Changed by both sides, without conflict.
        kept: Changed or added by the user only.
        removed: Removed by the template, not changed by the user.
        deleted_kept: Deleted by the user and changed by the template; they stay deleted.
        renamed: Files that one side renamed; each is in one of the other lists, too.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    deleted_kept: tuple[str, ...] = ()
    renamed: tuple[Rename, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that the user has to decide about.

    Attributes:
        path: The file, below the project's folder.
        line: The line of the first marker of this conflict; None if the file has none, such as
            a binary one.
        reason: What is the matter, as part of a sentence: `both changed these lines`.
    """

    path: str
    line: int | None
    reason: str

    def as_text(self) -> str:
        """Return `path:line: reason`."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Stage:
    """An unmerged entry of the index.

    Attributes:
        mode: As in `git ls-files --stage`, such as `100644`.
        blob: The object id.
        stage: 1 for the base, 2 for the user's, 3 for the template's.
        path: Below the project's folder.
    """

    mode: str
    blob: str
    stage: int
    path: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    Attributes:
        tree: The object id of the project folder's tree, with markers in the files in conflict.
        stages: The unmerged entries of these files.
        conflicts: Every place in them.
        files: What became of each file.
        imports: Adjusted references as `path:line: old -> new`.
        notices: Sentences about what the user should know, such as two heads of migrations.
    """

    tree: str
    stages: tuple[Stage, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    files: Files = field(default_factory=Files)
    imports: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of `--check`: the project's own tests, then the protocol check.

    Attributes:
        tests_passed: Whether the project's own tests passed.
        tests: The last line that they printed.
        protocol: The summary of the protocol check; None if it was not run.
        passed: Whether all passed.
        problem: Why it ended early, such as that the backend does not start.
    """

    tests_passed: bool
    tests: str
    protocol: Mapping[str, Any] | None
    passed: bool
    problem: str | None = None


def changed_answers(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs between two sets of answers, as `key: old -> new`."""
    return [
        f"{key}: {before.get(key, 'not set')} -> {after.get(key, 'not set')}"
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


@dataclass(frozen=True, slots=True)
class Update:
    """The outcome of `update`.

    Attributes:
        project: The project's folder, as the user may type it.
        old: The version it had.
        new: The version it gets.
        before: The recorded answers.
        after: The new answers.
        merged: The merge; None if there was nothing to do.
        notes: For each release after the old version, what concerns this project, see
            `releases.for_answers`.
        branch: The branch that was made; with a dry run, that would be made.
        commit: Its new commit; None with conflicts or a dry run.
        way_back: The command that returns to the user's branch.
        checked: The result of `--check`.
        dry_run: Whether nothing was written.
    """

    project: str
    old: str
    new: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    merged: Merged | None
    notes: tuple[Mapping[str, Any], ...] = ()
    branch: str | None = None
    commit: str | None = None
    way_back: str | None = None
    checked: Checked | None = None
    dry_run: bool = False

    @property
    def status(self) -> Literal["updated", "conflicts", "check failed", "nothing to do"]:
        """The outcome in one or two words."""
        if self.merged is None:
            return "nothing to do"
        if self.merged.conflicts:
            return "conflicts"
        if self.checked and not self.checked.passed:
            return "check failed"
        return "updated"

    def exit_status(self) -> int:
        """Return 1 if there are conflicts or a failed check, else 0."""
        return 1 if self.status in ("conflicts", "check failed") else 0
