"""Moves a work tree to the branch of an update, completely or not at all.

The whole result exists as objects of the repository before anything that the user can see
changes; the rest is up to `switch`, which is quick and cannot be interrupted.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from chatkit_scaffold.errors import ScaffoldError, ToolError
from chatkit_scaffold.generator.git import author_options
from chatkit_scaffold.text import shorten
from chatkit_scaffold.update import switch
from chatkit_scaffold.update.obstacles import changed_paths, checked_tree, index_file
from chatkit_scaffold.update.outcome import Merged, Stage
from chatkit_scaffold.update.project import Project, pathspec
from chatkit_scaffold.update.repository import Repository


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did.

    Attributes:
        branch: The new branch.
        commit: Its new commit; None with conflicts.
        way_back: The command that returns to where the user was, and discards conflicts; None if
            the user is still there.
    """

    branch: str
    commit: str | None
    way_back: str | None


def apply(project: Project, merged: Merged, *, branch: str, message: str) -> Applied:
    """Make *branch* from HEAD with the result of an update, and check it out.

    Without conflicts it has a new commit. With conflicts it is at HEAD, the index has the result
    with its unmerged entries, and `git commit` will suggest the message.

    Raises:
        ScaffoldError: See `checked_tree`; or the switch failed, and nothing was changed.
    """
    tree = checked_tree(project, merged, branch)
    if merged.conflicts:
        commit = None
        steps = _conflict_steps(project, merged, branch, tree)
    else:
        commit = _commit(project, tree, message)
        steps = [_to(branch)]
    plan = _plan(project, tree, branch, commit, steps)
    if commit is None:
        plan["message"] = (
            str(project.repository.git_folder() / "MERGE_MSG"),
            f"{message.strip()}\n",
        )
    outcome = _follow(plan)
    if outcome["problem"] is not None:
        raise _failure(project, branch, outcome)
    return Applied(branch, commit, way_back(project, conflicts=commit is None))


def leave(project: Project, merged: Merged, *, branch: str, message: str) -> Applied:
    """Make *branch* from HEAD with the result of an update, and stay where the user is.

    Raises:
        ScaffoldError: See `checked_tree`.
    """
    commit = _commit(project, checked_tree(project, merged, branch), message)
    claim = _claim(branch, commit, _reference(project.repository, branch))
    project.repository.git(*claim["arguments"])
    return Applied(branch, commit, way_back=None)


def _commit(project: Project, tree: str, message: str) -> str:
    repository = project.repository
    return repository.git(
        *("commit-tree", tree, "-p", project.head, "-F", "-"),
        options=author_options(repository.root),
        text=message,
    )


def _claim(branch: str, start: str, before: str) -> switch.Step:
    """Return the step that makes a branch, unless it is no longer as it was *before*."""
    nothing = "0" * len(start)
    return _step("update-ref", f"refs/heads/{branch}", start, before or nothing)


def _to(branch: str) -> switch.Step:
    return _step("switch", "--quiet", "--no-overwrite-ignore", branch)


def _conflict_steps(project: Project, merged: Merged, branch: str, tree: str) -> list[switch.Step]:
    # The branch first: if this stopped halfway, the user's would not be the one with the changes.
    return [
        _to(branch),
        _step("update-index", "-q", "--refresh"),
        _step("read-tree", "-m", "-u", project.head, tree),
        _step("update-index", "-z", "--index-info", text=_unmerged(project, merged.stages)),
    ]


def _step(*arguments: str, text: str = "") -> switch.Step:
    return {"arguments": list(arguments), "text": text}


def _unmerged(project: Project, stages: Sequence[Stage]) -> str:
    """Return what makes `git update-index` replace the entries of these files."""
    below = f"{project.repository.prefix}/".removeprefix("/")
    nothing = "0" * len(project.head)
    paths = dict.fromkeys(f"{below}{stage.path}" for stage in stages)
    lines = [f"0 {nothing}\t{path}\0" for path in paths]
    lines += [f"{one.mode} {one.blob} {one.stage}\t{below}{one.path}\0" for one in stages]
    return "".join(lines)


def _plan(
    project: Project, tree: str, branch: str, commit: str | None, steps: list[switch.Step]
) -> switch.Plan:
    repository = project.repository
    changes = changed_paths(project, tree)
    start, before = commit or project.head, _reference(repository, branch)
    return {
        "root": str(repository.root),
        "git": repository.command(),
        "environment": repository.environment(),
        "index": str(index_file(repository)),
        "added": [path for path, status in changes.items() if status == "A"],
        "changed": [path for path, status in changes.items() if status != "A"],
        "claim": _claim(branch, start, before),
        "steps": steps,
        "message": None,
        "back": _step("switch", "--quiet", *_place(project)),
        "forget": _forget(branch, start, before),
    }


def _reference(repository: Repository, branch: str) -> str:
    """Return the commit of a branch; nothing if there is no such branch."""
    return repository.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", ok=(0, 1))


def _forget(branch: str, start: str, before: str) -> switch.Step:
    """Return the step that undoes `_claim`: a branch that was made anew is what it was."""
    reference = f"refs/heads/{branch}"
    words = (reference, before, start) if before else ("-d", reference, start)
    return _step("update-ref", *words)


def _follow(plan: switch.Plan) -> switch.Outcome:
    """Run `switch` in a session of its own, which no signal to ours reaches."""
    process = subprocess.Popen(
        [sys.executable, "-I", switch.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(json.dumps(plan))
    except KeyboardInterrupt:
        # Too late to stop; a second one gives up waiting.
        output, errors = process.communicate()
    if process.returncode:
        last = errors.strip().splitlines()[-1:] or ["no message"]
        return {"problem": last[0], "restored": False}
    outcome: switch.Outcome = json.loads(output)
    return outcome


def _failure(project: Project, branch: str, outcome: switch.Outcome) -> ScaffoldError:
    hint = (
        "Everything is as it was; fix the cause and try again."
        if outcome["restored"]
        else f"Restore your files: {way_back(project, conflicts=True)}"
    )
    return ToolError(
        f"git cannot switch to {branch}: {shorten(outcome['problem'] or '')}", hint=hint
    )


def way_back(project: Project, *, conflicts: bool) -> str:
    """Return the command that returns to where the user was."""
    place = shlex.join(_place(project))
    if not conflicts:
        return f"git switch {place}"
    prefix = project.repository.prefix
    if not prefix:
        return f"git switch --discard-changes {place}"
    # Other folders may have changes of the user. git restores an unmerged file only if HEAD has it.
    folder = shlex.quote(pathspec(prefix))
    return (
        f"git add --update {folder} && git restore --staged --worktree {folder} "
        f"&& git switch {place}"
    )


def _place(project: Project) -> list[str]:
    """Return how `git switch` names what was checked out."""
    return [project.branch] if project.branch else ["--detach", project.head]
