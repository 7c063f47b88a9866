"""The update from start to end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from chatkit_scaffold.console import ShowStep, spinner
from chatkit_scaffold.generator.history import open_history
from chatkit_scaffold.generator.releases import composed, for_answers
from chatkit_scaffold.generator.source import record
from chatkit_scaffold.update.apply import apply, leave, way_back
from chatkit_scaffold.update.merge import merge
from chatkit_scaffold.update.obstacles import checked_tree, free_branch
from chatkit_scaffold.update.outcome import Merged, Update, changed_answers
from chatkit_scaffold.update.plan import Plan, Wish, make_plan
from chatkit_scaffold.update.project import Project, open_project
from chatkit_scaffold.update.references import fix_references
from chatkit_scaffold.update.renders import render_base, render_theirs
from chatkit_scaffold.update.workshop import check, renew_lock, workshop


def update(dest: str | None, wish: Wish, root: Path) -> Update:
    """Bring the project in *dest* to another version of our template, or to other answers.

    Everything is prepared first; then a new branch is made and checked out.

    Args:
        dest: The project's folder, or one below it; None for the working directory.
        wish: What the user asked for.
        root: The folder of our template, see `builtin_root`.

    Raises:
        ScaffoldError: The project cannot be updated; nothing was changed.
    """
    project = open_project(dest)
    with open_history(root) as history, spinner("Updating the project") as show:
        plan = make_plan(project.path, history, wish)
        if plan.is_empty:
            return _outcome(project, plan, wish)
        with _for_writing(project, wish) as target:
            return _carry_through(target, plan, wish, _merged(target, plan, root), show)


@contextmanager
def _for_writing(project: Project, wish: Wish) -> Iterator[Project]:
    """Yield the project; what a dry run writes goes to a temporary folder."""
    if not wish.dry_run:
        yield project
        return
    with project.repository.quarantined() as repository:
        yield replace(project, repository=repository)


def _merged(project: Project, plan: Plan, root: Path) -> Merged:
    history = plan.history
    recorded = record(root, history, plan.new)
    base = render_base(history, plan.old, plan.record.answers, project.path)
    theirs = render_theirs(history, plan.new, plan.answers, recorded)
    mappings = composed(plan.releases)
    label = f"chatkit-scaffold {plan.new}"
    merged = merge(
        project.repository, project.tree, base, theirs, moved=mappings.files, label=label
    )
    merged = fix_references(
        project.repository,
        project.tree,
        merged,
        base=base,
        theirs=theirs,
        moved=mappings.files,
        migrations=mappings.migrations,
        label=label,
    )
    notices = (*plan.notices, *((recorded.problem,) if recorded.problem else ()))
    return replace(merged, notices=(*merged.notices, *notices))


def _carry_through(
    project: Project, plan: Plan, wish: Wish, merged: Merged, show: ShowStep
) -> Update:
    """Try the result out, and switch to it."""
    checked = None
    with workshop(project.repository, merged.tree) as folder:
        merged = renew_lock(project.repository, folder, merged)
        if wish.check and not merged.conflicts:
            show("Checking the updated project")
            checked = check(folder)
    outcome = replace(_outcome(project, plan, wish), merged=merged, checked=checked)
    branch = free_branch(project, plan.new)
    if wish.dry_run:
        checked_tree(project, merged, branch)
        back = way_back(project, conflicts=bool(merged.conflicts))
        return replace(outcome, branch=branch, way_back=back)
    # What failed its check is for the user to look at, not to work on.
    finish = apply if checked is None or checked.passed else leave
    applied = finish(project, merged, branch=branch, message=_message(plan))
    return replace(outcome, branch=applied.branch, commit=applied.commit, way_back=applied.way_back)


def _outcome(project: Project, plan: Plan, wish: Wish) -> Update:
    return Update(
        project=str(project.path),
        old=plan.old,
        new=plan.new,
        before=plan.record.answers,
        after=plan.answers,
        merged=None,
        notes=tuple(for_answers(release, plan.answers) for release in plan.releases),
        dry_run=wish.dry_run,
    )


def _message(plan: Plan) -> str:
    """Return the message of the update's commit."""
    changed = changed_answers(plan.record.answers, plan.answers)
    title = f"Update the template from {plan.old} to {plan.new}"
    if plan.old == plan.new:
        title = "Change the answers of the template"
    return "\n".join([title, *(["", *changed] if changed else [])]) + "\n"
