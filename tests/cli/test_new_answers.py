"""`chatkit-scaffold new`: answers from flags, `--data` and files, valid and not."""

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
            "Its questions are name, store, agent, tools, auth, frontend, endpoint.",
        ),
        (
            ["--data=sql=true"],
            "sql is derived from other answers and cannot be set to 'true'",
            "Leave out sql.",
        ),
        (
            ["--agent=echo", "--tools=mcp"],
            "tools does not apply with agent 'echo', so it cannot be 'mcp'",
            "Leave out tools, or choose another agent.",
        ),
        (
            ["--data=tools=mcp"],
            "tools does not apply with agent 'echo', so it cannot be 'mcp'",
            "Leave out tools, or choose another agent.",
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
            ["--name=bot\n"],
            r"'bot\n' is not a valid name",
            "Use letters, digits, '.', '-' and '_'.",
        ),
        (
            ["--data=endpoint=/chat\n"],
            r"'/chat\n' is not a valid endpoint",
            "Use a path such as /api/chatkit.",
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


def test_question_that_applies_has_its_default(workplace: Path) -> None:
    """Without `--tools`, an agent that can have tools gets none; the echo has no such answer."""
    for agent in ("echo", "openai"):
        assert run("new", agent, "--agent", agent, "--defaults").exit_code == 0

    recorded = {
        agent: (workplace / agent / ".copier-answers.yml").read_text(encoding="utf-8")
        for agent in ("echo", "openai")
    }
    assert "tools:" not in recorded["echo"]
    assert "tools: none\n" in recorded["openai"]


def test_rejects_an_unknown_version(workplace: Path) -> None:
    """The hint lists those that exist."""
    result = run("new", "bot", "--ref=nowhere")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "error: 'nowhere' is not a version of the template\n hint: Its versions are 0.1.0, 0.2.0"
    )
    assert list(workplace.iterdir()) == []
