"""`chatkit-scaffold new --check`: installs, starts and checks the new project."""

import shutil
import sys
from pathlib import Path

import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.errors import StartError
from chatkit_scaffold.text import listed
from tests.command import (
    DRAFT,
    git,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.xdist_group("served")
def test_check_installs_starts_and_verifies(workplace: Path) -> None:
    """`--check` runs every check on the new backend, with two users, and leaves no data behind."""
    result = run("new", "bot", "--check", "--store=sqlite", "--auth=jwt")

    assert result.exit_code == 0, result.output
    assert "Passed: all required checks passed." in result.stdout
    assert "a second user is needed" not in result.stdout
    assert "access-read-separate" not in result.stdout.partition("access: ")[2]
    untracked = git(workplace / "bot", "status", "--porcelain", "--ignored").splitlines()
    assert not [line for line in untracked if ".db" in line]


@pytest.mark.xdist_group("served")
def test_check_runs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server, a key and an issuer, the checks use those of the project's tests."""
    variables = ["DATABASE_URL", "OPENAI_API_KEY", "OIDC_ISSUER", "OIDC_AUDIENCE"]
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)

    choices = ["--store=postgres", "--agent=openai", "--auth=oidc"]
    result = run("new", "bot", "--check", "--defaults", *choices)

    assert result.exit_code == 0, result.output
    assert "Passed: all required checks passed." in result.stdout
    assert f"note: {listed(variables, 'and')} " in result.stderr
    assert f"then set {listed(variables, 'and')} in .env" in result.stdout


@pytest.mark.xdist_group("served")
def test_check_shows_why_a_backend_does_not_start(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable that is wrong; the project is kept."""
    monkeypatch.setenv("JWT_SECRET", "short")

    result = run("new", "bot", "--check", "--store=memory", "--auth=jwt")

    assert result.exit_code == 2
    assert "The backend exited with status" in result.stderr
    assert "JWT_SECRET needs at least 32 bytes" in result.stderr
    assert "then set JWT_SECRET in .env" in result.stdout
    assert (workplace / "bot" / "app").is_dir()


def test_service_that_does_not_start_is_an_error(workplace: Path) -> None:
    """The error has the last line of its output, and the command that shows all of it."""
    program = launcher.project_python(workplace)
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)

    with (
        pytest.raises(StartError, match=r"do not start: .*No module named") as raised,
        launcher.services(workplace),
    ):
        pass

    assert "uv run python -m tests.services" in str(raised.value.hint)


def test_check_names_a_missing_uv(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv, the error names uv before anything is created."""
    only_git = workplace / "programs"
    only_git.mkdir()
    (only_git / "git").symlink_to(shutil.which("git") or "git")
    monkeypatch.setenv("PATH", str(only_git))
    monkeypatch.setattr("chatkit_scaffold.launcher.find_spec", lambda _: None)

    result = run("new", "bot", "--check", "--defaults")

    assert (result.exit_code, result.stderr.replace(DRAFT, "")) == (
        2,
        (
            "error: uv was not found; it is required to install the project\n"
            " hint: Install it: python -m pip install uv\n"
        ),
    )
    assert not (workplace / "bot").exists()
