"""Runs the command as a user does, and makes small templates to run it on."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from chatkit_scaffold.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent

COMMAND = [sys.executable, "-m", "chatkit_scaffold"]

DRAFT = " note: the template has uncommitted changes, so this project cannot be updated\n"
"""Printed for a project made from a checkout with changes, in which these tests may run."""


def run(*arguments: str | Path) -> Result:
    """Run the command in this process, without a terminal."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, words, prog_name="chatkit-scaffold")


@contextmanager
def started(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a command that runs until it is stopped.

    Yields:
        Its last line of output before it serves, and its process.
    """
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = iter(process.stdout.readline, "")
        line = next((line for line in lines if line.startswith("Chat with ")), "")
        assert line, process.stderr.read()
        yield line, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def git(folder: Path, *arguments: str) -> str:
    """Run git in *folder* and return what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_template(folder: Path, files: Mapping[str, str]) -> Path:
    """Commit *files* as a template in a new repository."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=template")
    return folder


def tree(folder: Path, *, without: Sequence[str] = ()) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of every file below *folder*, except git's own."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.name not in without
    }


@dataclass(frozen=True, slots=True)
class Session:
    """The result of a command at a terminal.

    Attributes:
        status: Its exit status.
        screen: All of its output, with the terminal's control sequences.
    """

    status: int
    screen: str


def at_terminal(cwd: Path, arguments: Sequence[str], typed: Sequence[tuple[str, str]]) -> Session:
    """Run the command at a new terminal of 80 columns.

    Args:
        cwd: The working directory.
        arguments: The command's arguments.
        typed: Pairs of text to wait for on the screen and keys to press then.
    """
    terminal, other_end = pty.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    screen = ""
    for awaited, keys in typed:
        start = len(screen)
        while awaited not in screen[start:]:
            screen += _read(terminal, screen)
        os.write(terminal, keys.encode())
    while more := _read(terminal, screen, at_end=True):
        screen += more
    os.close(terminal)
    return Session(process.wait(), screen)


def _read(terminal: int, seen: str, *, at_end: bool = False) -> str:
    if not select.select([terminal], [], [], 30)[0]:
        raise AssertionError(f"No output for 30 seconds after: {seen}")
    try:
        text = os.read(terminal, 65536).decode("utf-8", "replace")
    except OSError:
        # Linux reports the end of a terminal as an I/O error.
        text = ""
    if not text and not at_end:
        raise AssertionError(f"The command exited after: {seen}")
    return text
