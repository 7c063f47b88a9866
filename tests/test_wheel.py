"""The wheel, installed in an empty environment: it creates and updates projects offline."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chatkit_scaffold.generator.questions import read_questions
from tests.command import REPOSITORY, git

pytestmark = pytest.mark.xdist_group("wheel")

# Requests to other machines go to a port on which nothing listens.
NOWHERE = "http://127.0.0.1:9"
OFFLINE = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": NOWHERE, "NO_PROXY": ""}


def _run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository's last commit, which the tests may move away."""
    folder = tmp_path_factory.mktemp("checkout") / "chatkit-scaffold"
    git(REPOSITORY, "clone", "--quiet", str(REPOSITORY), str(folder))
    if git(folder, "rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("this shallow clone lacks the releases that the wheel contains")
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive as an installer does without a checkout."""
    built = tmp_path_factory.mktemp("dist")
    _run(
        *(sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation"),
        *("--python", sys.executable, "--out-dir", built, checkout),
        cwd=built,
    )
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an empty environment with the wheel in it."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    uv = (sys.executable, "-m", "uv")
    _run(*uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=wheel.parent)
    _run(
        *(*uv, "pip", "install", "--quiet", "--python", environment / "bin" / "python"),
        *("--constraint", checkout / "requirements.lock", wheel),
        cwd=wheel.parent,
    )
    return environment / "bin"


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home folder and no access to the network."""
    home = tmp_path / "home"
    home.mkdir()
    return {**OFFLINE, "HOME": str(home), "GIT_ALLOW_PROTOCOL": "file"}


def test_makes_and_updates_a_project_offline(
    installed: Path, offline: dict[str, str], tmp_path: Path
) -> None:
    """A project is created and updated although the repository is out of reach."""
    folder = tmp_path / "empty"
    folder.mkdir()

    printed = _run(installed / "chatkit-scaffold", "new", "bot", cwd=folder, env=offline)

    assert printed == "Created bot. Next: cd bot && uv run python -m app\n"
    answers = (folder / "bot" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "_src_path: ~/.local/share/chatkit-scaffold/template-" in answers
    _run(
        *(installed / "copier", "update", "--defaults", "--vcs-ref=HEAD", "--data=store=memory"),
        cwd=folder / "bot",
        env=offline,
    )
    assert "store: memory" in (folder / "bot" / ".copier-answers.yml").read_text(encoding="utf-8")


def test_lists_what_the_checkout_lists(
    installed: Path, checkout: Path, offline: dict[str, str], tmp_path: Path
) -> None:
    """Options and matrix come with the wheel; so does `python -m`."""
    program = installed / "chatkit-scaffold"

    listed = _run(program, "options", "--json", cwd=tmp_path, env=offline)
    matrix = _run(installed / "python", "-m", "chatkit_scaffold", "matrix", cwd=tmp_path)

    assert listed == _run(
        sys.executable, "-m", "chatkit_scaffold", "options", "--json", cwd=checkout
    )
    assert "memory-echo-none-none\n" in matrix


def test_has_the_page(wheel: Path, checkout: Path) -> None:
    """The wheel has the files of `play`'s page, with the licences of what it brings along."""
    page = checkout / "chatkit_scaffold" / "play" / "page"
    files = {path.relative_to(checkout).as_posix() for path in page.rglob("*") if path.is_file()}

    assert files
    assert files <= set(zipfile.ZipFile(wheel).namelist())


def test_offers_completion(installed: Path, offline: dict[str, str], tmp_path: Path) -> None:
    """The shell gets the choices of an option."""
    completing = {
        "_CHATKIT_SCAFFOLD_COMPLETE": "complete_bash",
        "COMP_WORDS": "chatkit-scaffold new bot --store ",
        "COMP_CWORD": "4",
    }

    offered = _run(
        installed / "chatkit-scaffold", cwd=tmp_path, env={**offline, **completing}
    ).split()

    (store,) = (question for question in read_questions(REPOSITORY) if question.key == "store")
    assert offered == [choice.value for choice in store.choices]
