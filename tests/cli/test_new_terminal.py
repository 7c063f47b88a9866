"""`chatkit-scaffold new` at a terminal: its prompts, and interruptions."""

import contextlib
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import (
    COMMAND,
    at_terminal,
    make_template,
)

pytestmark = pytest.mark.usefixtures("workplace")

ENTER, DOWN, INTERRUPT, ERASE = "\r", "\x1b[B", "\x03", "\x15"


def test_prompts_for_what_was_not_passed(workplace: Path) -> None:
    """The prompts and the labels of the choices are those of `copier.yml`."""
    session = at_terminal(
        workplace,
        ["new", "bot", "--agent=echo", "--endpoint=/chat"],
        [
            ("What is the project called?", ENTER),
            ("Where should threads and messages be kept?", DOWN + ENTER),
            ("How are users authenticated?", ENTER),
            ("Which front end", ENTER),
        ],
    )

    assert session.status == 0, session.screen
    assert "SQLite, one file on one machine, nothing to install" in session.screen
    assert "Which agent should answer?" not in session.screen
    assert "Created bot." in session.screen
    answers = (workplace / "bot" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "store: postgres" in answers


def test_prompts_for_tools_if_they_apply(workplace: Path) -> None:
    """An agent that can have tools is asked for them, behind the agent; the echo is not."""
    passed = ["--name=bot", "--store=memory", "--auth=none", "--frontend=none", "--endpoint=/chat"]
    echo = at_terminal(workplace, ["new", "echo", *passed], [("Which agent", ENTER)])
    openai = at_terminal(
        workplace,
        ["new", "openai", *passed],
        [("Which agent", DOWN + ENTER), ("Which tools", ENTER)],
    )

    assert (echo.status, openai.status) == (0, 0), echo.screen + openai.screen
    assert "Which tools" not in echo.screen


def test_does_not_prompt_with_defaults(workplace: Path) -> None:
    """`--defaults` replaces every prompt."""
    session = at_terminal(workplace, ["new", "bot", "--defaults"], [])

    assert session.status == 0, session.screen
    assert "What is the project called?" not in session.screen


@pytest.mark.parametrize(
    ("question", "wrong", "reason"),
    [
        ("What is the project called?", "-bot", "Use letters, digits, '.', '-' and '_'."),
        ("What is the project called?", "x" * 65, "Use at most 64 characters."),
        ("At which path", "chat", "Use a path such as /api/chatkit."),
    ],
)
def test_shows_what_is_wrong_beside_the_question(
    question: str, wrong: str, reason: str, workplace: Path
) -> None:
    """The reason appears in full on the line below the answer, on 80 columns."""
    other = "--endpoint=/chat" if "called" in question else "--name=bot"

    session = at_terminal(
        workplace,
        ["new", "bot", "--store=memory", "--agent=echo", "--auth=none", "--frontend=none", other],
        [(question, ERASE + wrong + ENTER), (reason, INTERRUPT)],
    )

    assert session.status == 2
    assert list(workplace.iterdir()) == []


def test_interrupting_a_prompt_leaves_nothing(workplace: Path) -> None:
    """Ctrl-C at a prompt is one sentence and status 2."""
    session = at_terminal(workplace, ["new", "bot"], [("What is the project called?", INTERRUPT)])

    assert session.status == 2
    assert "error: Interrupted; nothing was created" in session.screen
    assert list(workplace.iterdir()) == []


def test_termination_leaves_nothing(workplace: Path) -> None:
    """SIGTERM removes a half-made project."""
    process = subprocess.Popen(
        [*COMMAND, "new", "bot", f"--template={_endless_template(workplace.parent)}"],
        cwd=workplace,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _wait_until(lambda: any(workplace.iterdir()), process)

    process.terminate()

    assert process.wait(30) == 128 + signal.SIGTERM
    process.communicate()
    assert list(workplace.iterdir()) == []


def _endless_template(folder: Path) -> Path:
    """Return a template that takes forever to render."""
    endless = "{% for _ in range(99999) %}" * 3 + "{% endfor %}" * 3
    files = {"copier.yml": "name: x\n", "a.txt.jinja": endless}
    return make_template(folder / "template", files)


def _wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(1000):
        if happened():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"It exited early, with status {process.wait(0.02)}")
    process.kill()
    raise AssertionError("It did not start within 20 seconds")
