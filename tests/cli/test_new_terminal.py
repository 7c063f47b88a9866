"""`chatkit-scaffold new` at a terminal: what it asks, and what is left when it is stopped."""

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

ENTER, DOWN, INTERRUPT = "\r", "\x1b[B", "\x03"


def test_asks_at_a_terminal_what_was_not_given(workplace: Path) -> None:
    """The questions and the costs of the choices are those of `copier.yml`."""
    session = at_terminal(
        workplace,
        ["new", "bot", "--agent=echo", "--endpoint=/chat"],
        [
            ("What is the project called?", ENTER),
            ("Where should threads and messages be kept?", DOWN + ENTER),
            ("How does a request say who its user is?", ENTER),
        ],
    )

    assert session.status == 0, session.screen
    assert "SQLite, one file on one machine, nothing to install" in session.screen
    assert "What should answer?" not in session.screen
    assert "Created bot." in session.screen
    answers = (workplace / "bot" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert "store: postgres" in answers


def test_asks_nothing_with_defaults(workplace: Path) -> None:
    """`--defaults` keeps a terminal silent."""
    session = at_terminal(workplace, ["new", "bot", "--defaults"], [])

    assert session.status == 0, session.screen
    assert "What is the project called?" not in session.screen


def test_stopping_at_a_question_leaves_nothing(workplace: Path) -> None:
    """Ctrl-C at a prompt ends with one sentence and status 2."""
    session = at_terminal(workplace, ["new", "bot"], [("What is the project called?", INTERRUPT)])

    assert session.status == 2
    assert "error: Stopped; nothing was made" in session.screen
    assert list(workplace.iterdir()) == []


def test_being_ended_leaves_nothing(workplace: Path) -> None:
    """SIGTERM takes away what is half made."""
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
    """A template with more to do than anybody waits for."""
    endless = "{% for _ in range(99999) %}" * 3 + "{% endfor %}" * 3
    files = {"copier.yml": "name: x\n", "a.txt.jinja": endless}
    return make_template(folder / "template", files)


def _wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(1000):
        if happened():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"It ended early, with status {process.wait(0.02)}")
    process.kill()
    raise AssertionError("It did not begin within 20 seconds")
