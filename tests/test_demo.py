"""`make demo`: the first thing that a visitor runs."""

import re
import shlex
from pathlib import Path

import pytest

from chatkit_scaffold import demo
from tests.command import run


@pytest.mark.xdist_group("served")
def test_ends_with_the_command_that_opens_a_chat(capsys: pytest.CaptureFixture[str]) -> None:
    """After the conversation, the last line has the command to have one, which exists."""
    assert demo.main() == 0

    *_, result, last = capsys.readouterr().out.splitlines()
    assert result == "The backend streamed and stored every answer."
    introduction, _, command = last.partition(": ")
    assert introduction == "Chat with one yourself"
    program, name, *options = shlex.split(command)
    assert Path(program).is_file()
    assert (Path(program).name, name) == ("chatkit-scaffold", "new")
    offered = run("new", "--help").stdout
    assert all(re.search(rf"{one}\b", offered) for one in options if one.startswith("--"))
