"""The command itself: examples, wrong use, version."""

import inspect
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest

from chatkit_scaffold import cli
from tests.command import (
    COMMAND,
    run,
)

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize("command", [cli.new, cli.list_options, cli.matrix])
def test_examples_work(command: Callable[..., None]) -> None:
    """The example in a command's help does what it says."""
    (example,) = re.findall(r"Example: chatkit-scaffold (.+)", inspect.getdoc(command) or "")

    result = run(*shlex.split(example))

    assert result.exit_code == 0, result.output


def test_wrong_usage_ends_with_two() -> None:
    """An unknown option and a missing DEST are wrong use, status 2."""
    unknown, missing = run("new", "bot", "--colour=red"), run("new")

    assert (unknown.exit_code, missing.exit_code) == (2, 2)
    assert "No such option: --colour" in unknown.stderr
    assert "DEST" in missing.stderr


def test_python_m_and_version() -> None:
    """`python -m chatkit_scaffold --version` prints the version."""
    shown = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout == "chatkit-scaffold 0.1.0\n"
