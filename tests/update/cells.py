"""One update of the matrix, with everything that must be true of it."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chatkit_scaffold.update.outcome import Update
from chatkit_scaffold.update.plan import Wish
from chatkit_scaffold.update.report import as_dict
from chatkit_scaffold.update.run import update
from tests.command import git, tree
from tests.update import judge
from tests.update.edits import EDITS
from tests.update.lab import Lab, Start
from tests.update.made_up_releases import CHANGES, TODAY, stacked

Answers = dict[str, str]
Snapshot = tuple[object, ...]


def snapshot(project: Path) -> Snapshot:
    """Return all that the user has: branch, commits, index and files, also those without commit."""
    known = ("for-each-ref", "--format=%(refname) %(objectname)")
    commands = (("symbolic-ref", "HEAD"), known, ("ls-files", "--stage"), ("status", "--short"))
    return (*(git(project, *command) for command in commands), tree(project))


def check(lab: Lab, start: Start, release: str) -> list[str]:
    """Update a project, go back, and return everything that was wrong.

    Args:
        lab: Where projects come from.
        start: The project.
        release: A made-up release, or today's.
    """
    project, root = lab.project(start), lab.root(release)
    wish = Wish(flags=given(start, release))
    before = snapshot(project)
    planned = update(str(project), replace(wish, dry_run=True), root)
    wrong = [] if snapshot(project) == before else ["the dry run changed something"]
    done = update(str(project), wish, root)
    if _report(planned) != _report(done):
        wrong.append(f"the dry run announced {_report(planned)}, and not {_report(done)}")
    wrong += [
        *lost(lab, start),
        *_state(project, done),
        *judge.problems(case := _case(lab, start, release, done)),
        *_deleted(case, done),
        *_reformatted(start, done),
    ]
    wrong += _way_back(project, done, before)
    return wrong


def given(start: Start, release: str) -> Answers:
    """Return what a user has to answer because a choice is gone."""
    gone = (
        {} if release == TODAY else {k: v for c in stacked(release) for k, v in c.answers.items()}
    )
    return {axis: gone[axis, choice] for axis, choice in start.answers if (axis, choice) in gone}


def new_answers(start: Start, release: str) -> Answers:
    """Return the answers of a project after its update."""
    answers = {**dict(start.answers), **given(start, release)}
    renamed = CHANGES["renamed-choice"].note["mappings"]["choices"]
    if release in ("renamed-choice", "all"):
        answers |= {
            axis: names[answers[axis]] for axis, names in renamed.items() if answers[axis] in names
        }
    return answers


def _report(done: Update) -> Mapping[str, object]:
    """Return what an update reports, without what only a real run can know."""
    return {**as_dict(done), "dry_run": None, "commit": None}


def _state(project: Path, done: Update) -> list[str]:
    """Return what is wrong with branch, commit and index."""
    wrong = []
    branch = git(project, "symbolic-ref", "--short", "HEAD")
    if branch != done.branch or branch != f"chatkit-scaffold/update-{done.new}":
        wrong.append(f"the branch is {branch}")
    unmerged = set(git(project, "diff", "--name-only", "--diff-filter=U").splitlines())
    assert done.merged
    conflicts = {conflict.path for conflict in done.merged.conflicts}
    if unmerged != conflicts:
        wrong.append(f"{sorted(unmerged)} are unmerged, and not {sorted(conflicts)}")
    if not conflicts and (git(project, "status", "--short") or not done.commit):
        wrong.append("not everything is committed")
    if conflicts and done.commit:
        wrong.append("there are conflicts, and a commit")
    return wrong


def _reformatted(start: Start, done: Update) -> list[str]:
    """Return the conflicts in the code of a user who has only reformatted it."""
    assert done.merged
    paths = [conflict.path for conflict in done.merged.conflicts]
    code = [path for path in paths if path.endswith(".py") and start.edits == ("reformatted",)]
    return [f"{path} was only reformatted, and is in conflict" for path in code]


def _case(lab: Lab, start: Start, release: str, done: Update) -> judge.Case:
    assert done.merged
    old = lab.created(start.release, dict(start.answers))
    new = lab.created(release, new_answers(start, release))
    conflicts = {conflict.path for conflict in done.merged.conflicts}
    renamed = {rename.old: rename.new for rename in done.merged.files.renamed}
    before = judge.files(old)
    origins = {origin for origin, path in renamed.items() if path in conflicts} | conflicts

    def settled(edit: str) -> bool:
        alone = judge.files(lab.edited(replace(start, edits=(edit,))))
        return not any(before.get(path) != alone.get(path) for path in origins)

    unsettled = [edit for edit in start.edits if not settled(edit)]
    variants = [unsettled, *([edit] for edit in unsettled)]
    return judge.Case(
        old=before,
        mine=judge.files(lab.edited(start)),
        new=judge.files(new),
        result=judge.files(lab.project(start)),
        wanted=judge.files(lab.edited(start, new)),
        variants=[judge.files(lab.edited(_without(start, left_out), new)) for left_out in variants],
        conflicts=frozenset(conflicts),
        renamed=renamed,
    )


def _deleted(case: judge.Case, done: Update) -> list[str]:
    """Return what the user deleted, and the template changed, and the report does not name."""
    assert done.merged
    gone = case.old.keys() & case.new.keys() - case.mine.keys() - {*done.merged.files.deleted_kept}
    moved = {rename.old for rename in done.merged.files.renamed}
    return [
        f"{path} was deleted, and its change is not listed"
        for path in sorted(gone - moved)
        if case.old[path] != case.new[path]
    ]


def _without(start: Start, edits: Sequence[str]) -> Start:
    return replace(start, edits=tuple(edit for edit in start.edits if edit not in edits))


def _way_back(project: Path, done: Update, before: Snapshot) -> list[str]:
    """Go back as the report says, and return what differs then."""
    assert done.way_back
    assert done.branch
    subprocess.run(shlex.split(done.way_back), cwd=project, check=True, capture_output=True)
    git(project, "branch", "--quiet", "--delete", "--force", done.branch)
    return [] if snapshot(project) == before else [f"{done.way_back} does not restore everything"]


def lost(lab: Lab, start: Start) -> list[str]:
    """Return what is lost of the edits in a project."""
    old, project = lab.created(start.release, dict(start.answers)), lab.project(start)
    return [f"{name}: {text}" for name in start.edits for text in EDITS[name].lost(project, old)]
