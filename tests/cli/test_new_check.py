"""`chatkit-scaffold new --check`: installs, starts and checks the new project."""

import shutil
from pathlib import Path

import pytest

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
def test_check_shows_why_a_backend_does_not_start(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable that only the owner can set; the project is kept."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    result = run("new", "bot", "--check", "--store=memory", "--agent=openai")

    assert result.exit_code == 2
    assert "The backend exited with status" in result.stderr
    assert "OPENAI_API_KEY" in result.stderr
    assert "then set OPENAI_API_KEY in .env" in result.stdout
    assert (workplace / "bot" / "app").is_dir()


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
