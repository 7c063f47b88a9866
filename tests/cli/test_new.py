"""`chatkit-scaffold new`: what it creates, where, and what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatkit_scaffold.generator import questions
from tests.command import (
    DRAFT,
    REPOSITORY,
    git,
    run,
    tree,
)
from tests.matrix import COVERING

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.quick
def test_makes_a_project_with_a_first_commit(workplace: Path) -> None:
    """Without answers the defaults apply, and everything is committed on main."""
    result = run("new", "support-bot")

    assert (result.exit_code, result.stdout) == (
        0,
        "Created support-bot. Next: cd support-bot && uv run python -m app\n",
    )
    project = workplace / "support-bot"
    assert (project / "app" / "main.py").is_file()
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%s %D") == "Create the backend HEAD -> main"


@pytest.mark.parametrize("answers", COVERING, ids=questions.combination_name)
def test_equals_copier_copy(answers: dict[str, str], workplace: Path) -> None:
    """`copier copy` creates the same project, byte for byte except for the recorded source."""
    data = [part for key, value in answers.items() for part in ("--data", f"{key}={value}")]

    assert run("new", "ours", "--name=same", "--no-git", *data).exit_code == 0
    copier = [sys.executable, "-m", "copier", "copy", "--vcs-ref=HEAD", "--defaults", "--quiet"]
    copied = subprocess.run(
        [*copier, *data, "--data=name=same", str(REPOSITORY), "copied"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert copied.returncode == 0, copied.stderr
    recorded = ".copier-answers.yml"
    assert tree(workplace / "ours", without=[recorded]) == tree(
        workplace / "copied", without=[recorded]
    )
    assert _answers(workplace / "ours" / recorded) == _answers(workplace / "copied" / recorded)


def _answers(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(("_commit:", "_src_path:"))]


@pytest.mark.parametrize(
    ("dest", "message"),
    [
        ("full", "{work}/full is not empty"),
        ("file", "{work}/file already exists and is not a folder"),
        ("file/bot", "{work}/file is not a folder"),
        ("dangling", "{work}/dangling already exists and is not a folder"),
        ("", "'' is not a folder for a project"),
        ("/", "'/' is not a folder for a project"),
    ],
)
def test_rejects_destinations_in_use(dest: str, message: str, workplace: Path) -> None:
    """DEST must be new or empty; existing files stay untouched."""
    (workplace / "full").mkdir()
    (workplace / "full" / "letter.txt").write_text("mine", encoding="utf-8")
    (workplace / "file").write_text("mine", encoding="utf-8")
    (workplace / "dangling").symlink_to("nowhere")
    before = tree(workplace)

    result = run("new", dest)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {message.format(work=workplace)}"
    assert tree(workplace) == before


def test_explains_why_a_folder_cannot_be_created(workplace: Path) -> None:
    """The error repeats the reason that the system gives."""
    name = "x" * 300

    result = run("new", name)

    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {workplace}/{name} cannot be created: File name too long\n"
        " hint: Choose a folder that you can write to.\n"
    )


def test_fills_the_working_directory(workplace: Path) -> None:
    """`new .` fills the empty folder instead of replacing it under the user's shell."""
    inode = workplace.stat().st_ino

    result = run("new", ".", "--no-git")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Created the project here. Next: uv run python -m app\n"
    assert workplace.stat().st_ino == inode
    assert "name: work" in (workplace / ".copier-answers.yml").read_text(encoding="utf-8")


def test_creates_missing_parents(workplace: Path) -> None:
    """DEST may be absolute, and in folders that do not exist yet."""
    result = run("new", workplace / "a" / "b c" / "bot", "--no-git")

    assert result.stdout == "Created a/b c/bot. Next: cd 'a/b c/bot' && uv run python -m app\n"
    assert not (workplace / "a" / "b c" / "bot" / ".git").exists()


def test_names_the_variables_to_set_before_the_start() -> None:
    """For choices that require a key or an address, the last lines show how to set them."""
    result = run("new", "bot", "--store=postgres", "--agent=openai", "--auth=jwt")

    assert result.stdout == (
        "Created bot. Next: cd bot && cp .env.example .env\n"
        "then set DATABASE_URL, OPENAI_API_KEY and JWT_SECRET in .env, "
        "and: uv run python -m app\n"
    )


def test_prints_json_for_programs(workplace: Path) -> None:
    """`--json` prints one object, and no note about defaults."""
    result = run("new", "bot", "--json", "--store=memory")

    made = json.loads(result.stdout)
    assert result.stderr in {"", DRAFT}
    assert made["path"] == str(workplace / "bot")
    assert made["answers"] == {
        "name": "bot",
        "store": "memory",
        "agent": "echo",
        "auth": "none",
        "frontend": "none",
        "endpoint": "/chatkit",
    }
    assert made["template"]["source"] == str(REPOSITORY)
    assert made["git"] == {"commit": git(workplace / "bot", "rev-parse", "HEAD")}
    assert made["next"] == ["cd bot", "uv run python -m app"]
    assert (made["needs"], made["check"]) == ([], None)
