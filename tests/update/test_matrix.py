"""Every release, combinations, and edits: nothing is lost, and nothing is missing.

A test updates projects of one release and combination to made-up releases, with all edits at once.
`--thorough` takes every combination to every release, and also with each edit by itself.
"""

import pytest

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.generator.questions import combination_name
from chatkit_scaffold.update.plan import Wish
from chatkit_scaffold.update.run import update
from tests.command import git
from tests.update import cells
from tests.update.edits import EDITS
from tests.update.lab import Lab, Start
from tests.update.made_up_releases import NAMES, TODAY

Answers = tuple[tuple[str, str], ...]

FIRST = (
    {"store": "memory", "agent": "echo", "auth": "none"},
    {"store": "sqlite", "agent": "openai", "auth": "jwt"},
    {"store": "postgres", "agent": "echo", "auth": "jwt"},
    {"store": "postgres", "agent": "openai", "auth": "none"},
)
"""Combinations of 0.1.0, with each of its choices."""
SECOND = (
    {"store": "memory", "agent": "echo", "auth": "guest"},
    {"store": "sqlite", "agent": "openai", "tools": "none", "auth": "jwt"},
    {"store": "postgres", "agent": "compatible", "tools": "mcp", "auth": "session"},
    {"store": "redis", "agent": "langgraph", "tools": "mcp", "auth": "oidc"},
)
"""Combinations of the releases since then, with each of their choices."""
STARTS = [
    (release, answers)
    for release, combinations in (("0.1.0", FIRST), ("0.2.0", SECOND), (TODAY, SECOND))
    for answers in combinations
]
TOGETHER = tuple(name for name in EDITS if name != "reformatted")
"""Reformatting changes most lines, so it is made by itself."""


def parameters() -> list[object]:
    """Return each release with its combinations; one worker runs those of a combination."""
    return [
        pytest.param(
            release,
            tuple(answers.items()),
            id=f"{release}-{combination_name(answers)}",
            marks=pytest.mark.xdist_group(f"update-{combination_name(answers)}"),
        )
        for release, answers in STARTS
    ]


def targets(release: str, answers: Answers, *, thorough: bool) -> list[str]:
    """Return the releases to update to: all of them, or those that other combinations leave out.

    Every release is updated to every other one in one of its four combinations, and to the one with
    all changes in each of them.
    """
    every = [*NAMES] if release == TODAY else [TODAY, *NAMES]
    number = STARTS.index((release, dict(answers)))
    return [
        name for at, name in enumerate(every) if thorough or name == "all" or (at + number) % 4 == 0
    ]


@pytest.mark.parametrize(("release", "answers"), parameters())
def test_nothing_is_lost(
    lab: Lab, release: str, answers: Answers, pytestconfig: pytest.Config
) -> None:
    """The result is the new release's project with all edits, and the way back restores the old."""
    start = Start(release, answers, TOGETHER)

    chosen = targets(release, answers, thorough=pytestconfig.getoption("--thorough"))
    wrong = {name: cells.check(lab, start, name) for name in chosen}

    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(("release", "answers"), parameters())
@pytest.mark.parametrize("edits", [(), ("reformatted",)], ids=["unchanged", "reformatted"])
def test_nothing_is_in_conflict(
    lab: Lab, release: str, answers: Answers, edits: tuple[str, ...], pytestconfig: pytest.Config
) -> None:
    """A project that nobody has changed becomes the new one; and one that was only reformatted."""
    number = STARTS.index((release, dict(answers)))
    if number % 2 != len(edits) and not pytestconfig.getoption("--thorough"):
        pytest.skip("only --thorough: without it, each project is either unchanged or reformatted")
    assert cells.check(lab, Start(release, answers, edits), "all") == []


@pytest.mark.parametrize(("release", "answers"), parameters())
@pytest.mark.parametrize("edit", EDITS)
def test_nothing_is_lost_of_one_edit(
    lab: Lab, release: str, answers: Answers, edit: str, pytestconfig: pytest.Config
) -> None:
    """The same for each edit by itself."""
    if not pytestconfig.getoption("--thorough"):
        pytest.skip("only --thorough: without it, all edits are made together")
    start = Start(release, answers, (edit,))

    chosen = targets(release, answers, thorough=True)
    wrong = {name: cells.check(lab, start, name) for name in chosen}

    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(("release", "answers"), parameters()[::4])
def test_a_file_that_is_not_committed_is_refused(lab: Lab, release: str, answers: Answers) -> None:
    """Nothing is changed then; once it is committed, the project is updated."""
    project = lab.project(Start(release, answers, ()))
    (project / "app" / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    before = cells.snapshot(project)

    with pytest.raises(ScaffoldError, match=r"app/mine\.py"):
        update(str(project), Wish(), lab.root("fix"))

    assert cells.snapshot(project) == before
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=mine")
    assert update(str(project), Wish(dry_run=True), lab.root("fix")).status == "updated"
    git(project, "reset", "--quiet", "--hard", "HEAD~1")


def test_an_authentication_that_is_gone_is_not_replaced(lab: Lab) -> None:
    """The user has to choose; no project opens because a release removed its sign-in."""
    project = lab.project(Start(TODAY, tuple(SECOND[1].items()), ()))
    before = cells.snapshot(project)

    with pytest.raises(ScaffoldError) as caught:
        update(str(project), Wish(), lab.root("removed-choice"))

    assert "'jwt'" in caught.value.message
    assert "--auth" in caught.value.hint
    assert cells.snapshot(project) == before
