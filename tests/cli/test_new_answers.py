"""`chatkit-scaffold new`: answers from flags, `--data` and files, valid and not."""

import json
from pathlib import Path

import pytest

from chatkit_scaffold.generator import questions
from chatkit_scaffold.text import listed
from tests.command import (
    REPOSITORY,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")

STORES = [
    choice.value
    for question in questions.read_questions(REPOSITORY)
    if question.key == "store"
    for choice in question.choices
]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (
            ["--store=no-such-store"],
            "'no-such-store' is not a valid store",
            f"Choose {listed(STORES, 'or')}.",
        ),
        (
            ["--store=memory", "--data=store=sqlite"],
            "store has two values, 'memory' and 'sqlite'",
            "Pass --store or --data store=... once.",
        ),
        (
            ["--data=colour=red"],
            "'colour' is not a question of the template",
            "Its questions are name, store, agent, auth, endpoint.",
        ),
        (
            ["--data=sql=true"],
            "sql is derived from other answers and cannot be set to 'true'",
            "Leave out sql.",
        ),
        (
            ["--data=store"],
            "'store' is not an answer",
            "Write --data KEY=VALUE, such as --data store=memory.",
        ),
        (
            ["--name=-bot"],
            "'-bot' is not a valid name",
            "Use letters, digits, '.', '-' and '_'.",
        ),
        (
            ["--endpoint=chat"],
            "'chat' is not a valid endpoint",
            "Use a path such as /api/chatkit.",
        ),
        (
            ["--answers=missing.yml"],
            "The answers file missing.yml cannot be read: No such file or directory",
            "Pass a YAML file with lines such as 'store: sqlite'.",
        ),
        (
            ["--ref=nowhere"],
            f"The template {REPOSITORY} has no version 'nowhere'",
            "Pass a tag, branch or commit with --ref.",
        ),
        (
            ["--template=https://me:secret@example.org/t.git"],
            (
                "The template's address https://me:***@example.org/t.git contains a password, "
                "which projects would record"
            ),
            "Leave out the password and use git's credential helper.",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_rejects_invalid_answers(
    arguments: list[str], message: str, hint: str, workplace: Path
) -> None:
    """An invalid answer is one sentence with its value and one hint; nothing is created."""
    result = run("new", "bot", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {message}\n hint: {hint}\n"
    assert list(workplace.iterdir()) == []


def test_flags_override_the_answers_file() -> None:
    """The file may be the answers that another project recorded."""
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
        ("stoer: memory\n", "'stoer' is not a question of the template"),
        ("store: [\n", "The answers file answers.yml is not valid YAML (line 2)"),
        ("- store\n", "The answers file answers.yml is not a mapping of questions to answers"),
        ("store: no-such-store\n", "'no-such-store' is not a valid store"),
        ("store: 7\n", "'7' is not a valid store"),
        ("name:\n", "None is not a valid name"),
        ("name: [a]\n", "['a'] is not a valid name"),
    ],
)
def test_rejects_invalid_answers_files(content: str, message: str) -> None:
    """An invalid answer in a file is the same error as in a flag."""
    Path("answers.yml").write_text(content, encoding="utf-8")

    result = run("new", "bot", "--answers=answers.yml")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {message}"
