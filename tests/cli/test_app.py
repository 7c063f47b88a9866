"""The program as a whole: its help, wrong use, and a broken installation."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from chatkit_scaffold import __version__
from chatkit_scaffold.cli.app import app
from tests.command import COMMAND, REPOSITORY, run, started
from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve

pytestmark = pytest.mark.usefixtures("workplace")

PROGRAM = get_command(app)
assert isinstance(PROGRAM, TyperGroup)
COMMANDS = sorted(PROGRAM.commands)

ARGUMENTS = {"new": ["bot"], "check": ["http://127.0.0.1:9/chatkit"]}
"""The arguments that a command cannot do without."""

IN_A_PROJECT = {"update", "status"}
"""Commands that people use in a project's folder."""


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_work(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in a command's help does what it says."""
    (example,) = re.findall(r"Example: chatkit-scaffold (.+?)(?=\n\n)", help_of(command), re.DOTALL)
    arguments = shlex.split(example)

    if command in IN_A_PROJECT:
        assert run("new", "bot", "--defaults").exit_code == 0
        monkeypatch.chdir("bot")
    if command == "check":
        # On a server of ours, which requires credentials, in place of the example's own.
        with serve(build()) as url:
            arguments = [url if word.startswith("http") else word for word in arguments]
            token = f"Authorization: {headers_for('first')['Authorization']}"
            result = run(*arguments, "--header", token, "--select", "transport")
    elif command == "play":
        with serve(build()) as url, started("play", url, *arguments[2:]) as (line, process):
            assert line.startswith(f"Chat with {url} at http://127.0.0.1:")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        return
    else:
        result = run(*arguments)

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_what_the_command_does(command: str) -> None:
    """Help is a usage line, then an imperative sentence; options say what they take."""
    shown = help_of(command)

    assert re.match(r"\s*Usage: \S+ .*\n\n  [A-Z][a-z]+ [^.]+\.\n", shown), shown
    assert not re.search(r"<(list|str|int|float|path)", shown.partition("Options:")[2])


def help_of(command: str) -> str:
    """Return the text that `--help` prints."""
    result = run(command, "--help")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "command"),
    [
        (["nwe"], "No such command 'nwe'. Did you mean 'new'?", ""),
        (["--colour"], "No such option: --colour", ""),
        (["new"], "Missing argument 'DEST'", " new"),
        (["new", "bot", "--colour=red"], "No such option: --colour", " new"),
        (["new", "bot", "other"], "Got unexpected extra argument(s) (other)", " new"),
        (["new", "--store"], "Option '--store' requires an argument", ""),
        (
            ["matrix", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'text', 'json', 'github'",
            " matrix",
        ),
        (
            ["check", "--timeout", "0"],
            "Invalid value for '--timeout': Input should be greater than or equal to 0.1",
            " check",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_sentence(arguments: list[str], error: str, command: str) -> None:
    """Wrong use of the command line is one sentence and one hint, with status 2."""
    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {error}\n hint: See chatkit-scaffold{command} --help.\n"


def test_no_command_shows_the_help() -> None:
    """Without a command, the program lists its commands."""
    result = run()

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == run("--help").stdout


def test_python_m_and_version() -> None:
    """`python -m chatkit_scaffold --version` prints the version."""
    shown = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout == f"chatkit-scaffold {__version__}\n"


def test_only_commands_that_need_copier_import_it() -> None:
    """Help and lists do not wait for libraries that take long to import."""
    slow = {
        "copier",
        "httpx",
        "starlette",
        "uvicorn",
        "jinja2",
        "rich",
        "chatkit_scaffold.conformance.suite",
    }
    program = f"import sys, chatkit_scaffold.cli.app; print(*({slow} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.split() == []


@pytest.fixture(scope="module")
def without_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package, as an incomplete installation leaves it."""
    folder = tmp_path_factory.mktemp("installation")
    package = folder / "chatkit_scaffold"
    ignored = shutil.ignore_patterns("symptoms", "__pycache__")
    shutil.copytree(REPOSITORY / "chatkit_scaffold", package, ignore=ignored)
    return folder


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        *(([command, *ARGUMENTS.get(command, [])], 2) for command in COMMANDS),
        (["new", "--help"], 2),
        (["check", "--explain", "no response"], 2),
        (["check", "--list"], 0),
        (["--help"], 0),
        (["--version"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_broken_installations_are_one_sentence(
    arguments: list[str], status: int, without_template: Path
) -> None:
    """Without the template, what needs it exits with 2 and one sentence; the rest works."""
    done = subprocess.run(
        [sys.executable, "-c", "from chatkit_scaffold.cli.app import main; main()", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(without_template)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status, done.stderr
    if status:
        error, hint = done.stderr.splitlines()
        assert error.startswith("error: ")
        assert hint.startswith(" hint: ")
    else:
        assert done.stderr == ""
