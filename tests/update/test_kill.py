"""An update that is killed has either not begun or is complete."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.update.apply_once import write_result
from tests.update.hand_made import State, clean, in_conflict, make
from tests.update.kill import Kill, points_of, run_killed

POINTS = 7
"""How many kills are spread over the whole way, for each of the two results."""
DELAYS = (0.03, 0.06, 0.12)
"""Seconds after the switch has got its process; it takes 0.1 to 0.2 s on an idle machine."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A prepared repository.

    Attributes:
        root: Its top; tests work on copies.
        result: The file with the result to apply.
        points: How many points the program passes.
        before: Its state.
        after: Its state after a complete update.
    """

    root: Path
    result: Path
    points: int
    before: State
    after: State


@pytest.fixture(scope="module", autouse=True)
def fixed_time() -> Iterator[None]:
    """Give commits the same date, so that they have the same id."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            patch.setenv(name, "2026-11-21T12:00:00Z")
        yield


@pytest.fixture(scope="module", params=[clean, in_conflict])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A monorepo with changes in other folders, and a result with or without conflicts."""
    folder = tmp_path_factory.mktemp("killed")
    project = make(folder / "all", "services/bot")
    result = write_result(request.param(project, folder), folder / "result.json")
    before = State.of(project.repository.root)
    done = copied(project.repository.root, folder / "done")
    points = points_of(command(done, result), folder)
    after = State.of(done)
    assert after != before
    return Scene(project.repository.root, result, points, before, after)


def copied(root: Path, target: Path) -> Path:
    """Copy a repository."""
    return Path(shutil.copytree(root, target, symlinks=True))


def command(root: Path, result: Path) -> list[str]:
    """Return the module that applies the result, with its arguments."""
    return ["tests.update.apply_once", str(root / "services" / "bot"), str(result)]


def spread(number: int, points: int) -> Kill:
    """Return one of the kills that are spread over the way, of the process or of its group."""
    return Kill(1 + number * points // POINTS, "group" if number % 2 else "self")


def in_switch(number: int, points: int) -> Kill:
    """Return a kill while the switch is at work."""
    return Kill(points, "self" if number % 2 else "group", DELAYS[number])


@pytest.mark.parametrize("number", range(POINTS))
def test_killed_on_its_way(scene: Scene, tmp_path: Path, number: int) -> None:
    """Nothing has changed until the switch has its whole plan."""
    root = copied(scene.root, tmp_path / "all")

    assert run_killed(spread(number, scene.points), command(root, scene.result), tmp_path)

    assert State.of(root) == scene.before


@pytest.mark.parametrize("number", range(len(DELAYS)))
def test_killed_while_it_switches(scene: Scene, tmp_path: Path, number: int) -> None:
    """The switch outlives the program."""
    root = copied(scene.root, tmp_path / "all")

    run_killed(in_switch(number, scene.points), command(root, scene.result), tmp_path)

    assert State.of(root) in (scene.before, scene.after)
