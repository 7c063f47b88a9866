"""`chatkit-scaffold new`: the first commit, and git that is missing or misconfigured."""

from pathlib import Path

import pytest

from tests.command import (
    DRAFT,
    git,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")


def test_commits_whatever_the_configuration(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing name, a failing hook or required signatures do not prevent the first commit."""
    hooks = workplace / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (hooks / "pre-commit").chmod(0o755)
    config = workplace / "gitconfig"
    config.write_text(
        f"[core]\nhooksPath = {hooks}\n[commit]\ngpgsign = true\n[user]\nuseConfigOnly = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))

    result = run("new", "bot", "--defaults")

    assert result.exit_code == 0, result.stderr
    assert git(workplace / "bot", "log", "--format=%an") == "chatkit-scaffold"


def test_leaves_the_commit_to_the_repository_around_it(workplace: Path) -> None:
    """Inside a repository there is no second one, unless requested or the folder is ignored."""
    git(workplace, "init", "--quiet")
    (workplace / ".gitignore").write_text("/build/\n", encoding="utf-8")

    inside = run("new", "bot", "--defaults")
    ignored = run("new", "build/bot", "--defaults")
    asked = run("new", "own", "--git", "--defaults")

    note = f" note: created inside the existing repository {workplace}: commit it there\n"
    assert (inside.exit_code, inside.stderr.replace(DRAFT, "")) == (0, note)
    assert [(workplace / name / ".git").exists() for name in ("bot", "build/bot", "own")] == [
        False,
        True,
        True,
    ]
    assert ignored.stderr.replace(DRAFT, "") == asked.stderr.replace(DRAFT, "") == ""


def test_names_a_missing_git(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is one error, and how to fix it."""
    monkeypatch.setenv("PATH", str(workplace))

    result = run("new", "bot", "--defaults")

    assert (result.exit_code, result.stderr) == (
        2,
        (
            "error: git is not installed, but is needed to read the template\n"
            " hint: Install git from https://git-scm.com and try again.\n"
        ),
    )


def test_ignores_the_repository_of_a_running_hook(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a git hook, it touches neither the hook's repository nor its index."""
    outer = workplace / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git" / "index"))

    result = run("new", "bot", "--defaults")

    monkeypatch.undo()
    assert result.exit_code == 0, result.stderr
    assert git(workplace / "bot", "status", "--porcelain") == ""
    assert git(outer, "status", "--porcelain") == ""
