"""What projects share in the matrix behaves like what each of them would have for itself."""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_copier.plugin import CopierFixture

from tests import environments
from tests.matrix import DEFAULTS

pytestmark = pytest.mark.xdist_group("environments")

PROGRAMS = {
    "says what it was given": """
        import os, sys
        print(sys.argv[1:], os.getcwd(), os.environ["ANSWER"], sys.stdin.read(), __name__)
    """,
    "ends with a status": "import sys; print('no', file=sys.stderr); sys.exit(3)",
    "ends with a sentence": "import sys; sys.exit('error: no')",
    "is cut off": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "leaves a last word": "import atexit; atexit.register(print, 'bye')",
}


@pytest.fixture(scope="module")
def warm_python() -> Iterator[Path]:
    """A Python that has imported the libraries of this environment."""
    with (
        tempfile.TemporaryDirectory() as folder,
        environments.warm(Path(sys.executable), Path(folder)) as environment,
    ):
        yield environment / "bin" / "python"


def start(python: Path | str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the module `program` in a folder."""
    return subprocess.Popen(
        [python, "-m", "program", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "ANSWER": "42"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_warm_python_behaves_as_python(warm_python: Path, program: str, tmp_path: Path) -> None:
    """Output, errors and status are those of an ordinary process."""
    (tmp_path / "program.py").write_text(textwrap.dedent(program), encoding="utf-8")
    results = []
    for python in (warm_python, sys.executable):
        process = start(python, tmp_path, "one", "two words")
        output = process.communicate("typed")
        results.append((*output, process.returncode))

    assert results[0] == results[1]


def test_warm_python_is_killed_as_python_is(warm_python: Path, tmp_path: Path) -> None:
    """A program does not outlive the process that was started for it."""
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    process = start(warm_python, tmp_path)
    assert process.stdout is not None
    running = os.pidfd_open(int(process.stdout.readline()))

    process.kill()
    process.communicate()

    ended, _, _ = select.select([running], [], [], 60)
    os.close(running)
    assert ended == [running]


def test_warm_python_finds_modules_on_the_path(warm_python: Path, tmp_path: Path) -> None:
    """PYTHONPATH has the same meaning."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "program.py").write_text("print('found')", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "elsewhere")}
    command = [str(warm_python), "-m", "program"]

    assert subprocess.check_output(command, cwd=tmp_path, env=environment) == b"found\n"


def test_warm_python_shows_where_a_program_failed(warm_python: Path, tmp_path: Path) -> None:
    """An error that nobody handles is a traceback and status 1."""
    (tmp_path / "program.py").write_text("def fail():\n    1 / 0\nfail()\n", encoding="utf-8")
    process = start(warm_python, tmp_path)

    _, errors = process.communicate()

    assert process.returncode == 1
    assert f'File "{tmp_path / "program.py"}", line 2, in fail' in errors
    assert errors.endswith("ZeroDivisionError: division by zero\n")


def test_signal_reaches_the_program(warm_python: Path, tmp_path: Path) -> None:
    """SIGTERM is the program's to handle, and its end is the end of what was started."""
    program = """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("orderly"))
        print("ready", flush=True)
        signal.pause()
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program), encoding="utf-8")
    process = start(warm_python, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(signal.SIGTERM)

    assert process.communicate()[1] == "orderly\n"
    assert process.returncode == 1


@pytest.fixture
def with_database(copier_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that imports a library for its store only."""
    answers = DEFAULTS | {"store": "postgres"}
    folder = tmp_path / "project"
    CopierFixture(copier_template, {}, monkeypatch).copy(folder, name="backend", **answers)
    return folder


def test_missing_requirement_is_noticed(with_database: Path, everything: Path) -> None:
    """What is installed for other projects does not hide that one lacks a requirement."""
    assert environments.undeclared(with_database, everything) == {}
    path = with_database / "pyproject.toml"
    text = path.read_text(encoding="utf-8")

    path.write_text(re.sub(r'    "psycopg.*\n', "", text), encoding="utf-8")

    noticed = environments.undeclared(with_database, everything)
    assert {module.partition(".")[0] for module in noticed} == {"psycopg"}


def test_requirement_for_tests_is_none_of_the_app(with_database: Path, everything: Path) -> None:
    """The app must not import what only development installs; its tests may."""
    shutil.copy(with_database / "tests" / "conftest.py", with_database / "app" / "conftest.py")

    assert environments.undeclared(with_database, everything) == {"pytest": "app/conftest.py"}
