"""What the tests of updates share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import REPOSITORY, git
from tests.update.commands import Command, build
from tests.update.lab import Lab
from tests.update.made_up_releases import TODAY, VERSION


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Where projects of old releases come from, and made-up releases."""
    if git(REPOSITORY, "rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("this shallow clone lacks the releases that projects were created with")
    with pytest.MonkeyPatch.context() as patch:
        yield Lab.open(Path(tmp_path_factory.mktemp("lab")), patch)


@pytest.fixture(scope="session")
def installed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The programs of two versions of the command, each in an environment with nothing else."""
    return {
        version: build(lab.root(release), version, Path(tmp_path_factory.mktemp("command")))
        for version, release in ((TODAY, TODAY), (VERSION, "fix"))
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def older(installed: dict[str, Path], home: Path) -> Command:
    """The older version of the command."""
    return Command(installed[TODAY], home, {})


@pytest.fixture
def newer(installed: dict[str, Path], home: Path) -> Command:
    """The newer version."""
    return Command(installed[VERSION], home, {})


@pytest.fixture
def source(home: Path) -> Command:
    """Programs that have our dependencies, to run the code of any checkout."""
    return Command(Path(sys.executable).parent, home, {})
