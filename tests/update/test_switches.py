"""Changing a choice is an update, too: there and back, every switch equals a fresh project."""

from itertools import combinations

import pytest

from chatkit_scaffold.generator.questions import axes
from chatkit_scaffold.update.plan import Wish
from chatkit_scaffold.update.run import update
from tests.command import git, tree
from tests.matrix import POSSIBLE, QUESTIONS
from tests.update.lab import Lab, Start
from tests.update.made_up_releases import TODAY

RECORD = ".copier-answers.yml"
"""After a switch, it can have answers that do not apply to a fresh project."""

Answers = dict[str, str]


def switches() -> list[object]:
    """Return two combinations for any two choices of an axis, that differ in nothing else."""
    return [
        pytest.param(*_pair(axis.key, one.value, two.value), id=f"{one.value}-{two.value}")
        for axis in axes(QUESTIONS)
        for one, two in combinations(axis.choices, 2)
    ]


def _pair(axis: str, one: str, two: str) -> tuple[Answers, Answers]:
    """Return a combination for each choice; the richest ones, which have the most to lose."""
    for answers in reversed(POSSIBLE):
        if answers.get(axis) == one:
            other = {**answers, axis: two}
            without_tools = {key: value for key, value in other.items() if key != "tools"}
            for possible in (other, without_tools, {**other, "tools": "none"}):
                if possible in POSSIBLE:
                    return answers, possible
    raise AssertionError(f"no combination has {one}, and one like it {two}")


@pytest.mark.parametrize(("one", "two"), switches())
def test_switches_there_and_back(lab: Lab, one: Answers, two: Answers) -> None:
    """Each is byte for byte what `new` creates with these choices."""
    project = lab.project(Start(TODAY, tuple(one.items()), ()))
    first = git(project, "rev-parse", "HEAD")
    for before, answers in ((one, two), (two, one)):
        done = update(str(project), Wish(flags=dict(answers)), lab.root(TODAY))

        assert done.status == "updated"
        assert done.merged
        export_first = any("python -m app export" in notice for notice in done.merged.notices)
        assert export_first == (before["store"] not in ("memory", answers["store"]))
        fresh = lab.created(TODAY, answers)
        assert tree(project, without=[RECORD]) == tree(fresh, without=[RECORD])
        git(project, "checkout", "--quiet", "-B", "main")
        assert done.branch
        git(project, "branch", "--quiet", "--delete", done.branch)
    git(project, "reset", "--quiet", "--hard", first)
