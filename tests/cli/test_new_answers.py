"""`chatkit-scaffold new`: answers from flags, `--data` and files, and those it refuses."""

import json
from pathlib import Path

import pytest

from tests.command import (
    REPOSITORY,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--store=redis"], "'redis' is no choice for store", "Choose memory, sqlite or postgres."),
        (
            ["--store=memory", "--data=store=sqlite"],
            "store is answered twice, with 'memory' and with 'sqlite'",
            "Give --store or --data store=... once.",
        ),
        (
            ["--data=colour=red"],
            "The template has no question 'colour'",
            "It asks name, store, agent, auth, endpoint.",
        ),
        (
            ["--data=sql=true"],
            "sql follows from the other answers and cannot be set to 'true'",
            "Leave sql out.",
        ),
        (
            ["--data=store"],
            "'store' is no answer",
            "Write --data KEY=VALUE, such as --data store=memory.",
        ),
        (
            ["--name=-bot"],
            "'-bot' cannot be the name",
            (
                "Use at most 64 letters, digits, dots, hyphens and underscores, "
                "and begin and end with a letter or digit."
            ),
        ),
        (
            ["--endpoint=chat"],
            "'chat' cannot be the endpoint",
            (
                "Begin with a slash and use letters, digits, hyphens and underscores, "
                "such as /chatkit or /api/chatkit."
            ),
        ),
        (
            ["--answers=missing.yml"],
            "The answers file missing.yml cannot be read: No such file or directory",
            "Name a YAML file with lines such as 'store: sqlite'.",
        ),
        (
            ["--ref=nowhere"],
            f"The template {REPOSITORY} has no version 'nowhere'",
            "Name a tag, a branch or a commit of it with --ref.",
        ),
        (
            ["--template=https://me:secret@example.org/t.git"],
            (
                "The template's address https://me:***@example.org/t.git holds a password, "
                "which every project would record"
            ),
            "Leave it out and let git's credential helper supply it.",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_refuses_wrong_answers(
    arguments: list[str], message: str, hint: str, workplace: Path
) -> None:
    """A wrong answer is one sentence with its value, one hint, status 2 and an empty folder."""
    result = run("new", "bot", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {message}\n hint: {hint}\n"
    assert list(workplace.iterdir()) == []


def test_answers_file_yields_to_flags() -> None:
    """A flag wins over the file, which may be another project's record."""
    Path("answers.yml").write_text(
        "_commit: v9\n_src_path: elsewhere\nstore: memory\nendpoint: /api/chat\n",
        encoding="utf-8",
    )

    result = run("new", "bot", "--answers=answers.yml", "--store=sqlite", "--json")

    answers = json.loads(result.stdout)["answers"]
    assert (answers["store"], answers["endpoint"]) == ("sqlite", "/api/chat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stoer: memory\n", "The template has no question 'stoer'"),
        ("store: [\n", "The answers file answers.yml is not YAML (line 2)"),
        ("- store\n", "The answers file answers.yml holds no answers by name"),
        ("store: redis\n", "'redis' is no choice for store"),
        ("store: 7\n", "'7' is no choice for store"),
        ("name:\n", "None is no answer for name"),
        ("name: [a]\n", "['a'] is no answer for name"),
    ],
)
def test_refuses_wrong_answers_files(content: str, message: str) -> None:
    """What is wrong in an answers file is said as for a flag."""
    Path("answers.yml").write_text(content, encoding="utf-8")

    result = run("new", "bot", "--answers=answers.yml")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {message}"
