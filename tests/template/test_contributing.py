"""Every step of "Add a choice" in CONTRIBUTING.md is checked, and a step left out is named."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import REPOSITORY
from tests.template.contributing import CONDITIONS, KEYS, WITH_TABLE, missing, section, steps

pytestmark = pytest.mark.quick

FOLDER, DESCRIPTION, LINE, LOCK, DOCS = CONDITIONS

Change = Callable[[Path], None]
"""Changes a copy of the repository."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of what the steps are about."""
    for name in ("CONTRIBUTING.md", "README.md", "copier.yml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    shutil.copytree(REPOSITORY / "template", tmp_path / "template")
    return tmp_path


def test_no_step_is_missing() -> None:
    """Every choice of this repository was added completely."""
    assert missing(REPOSITORY) == []


def options(root: Path) -> Path:
    """Return the folder of all choices."""
    return root / "template" / "options"


def replace(file: str, pattern: str, replacement: str) -> Change:
    """Return a change that replaces the first match in a file below the copy."""

    def change(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        text, count = re.subn(pattern, lambda _: replacement, text, count=1, flags=re.MULTILINE)
        assert count == 1
        (root / file).write_text(text, encoding="utf-8")

    return change


def describe(pattern: str, replacement: str) -> Change:
    """Return a change of the `choice.yml` of jwt."""
    return replace("template/options/auth/jwt/choice.yml", pattern, replacement)


def write(file: str, text: str) -> Change:
    """Return a change that writes a file in the folder of the choices."""

    def change(root: Path) -> None:
        path = options(root) / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return change


def remove(file: str) -> Change:
    """Return a change that removes a file in the folder of the choices."""
    return lambda root: (options(root) / file).unlink()


def add_folder(root: Path) -> None:
    """Add the folder of a choice, and nothing else."""
    shutil.copytree(options(root) / "agent" / "echo", options(root) / "agent" / "penguin")


def add_line(line: str) -> Change:
    """Return a change that adds a line to the agents."""
    return replace("copier.yml", r"(?<=^  help: Which agent should answer\?\n  choices:\n)", line)


def make_docs(root: Path) -> None:
    """Update the table in the copy's `README.md`."""
    readme = root / "README.md"
    readme.write_text(WITH_TABLE(readme.read_text(encoding="utf-8"), root), encoding="utf-8")


LEFT_OUT: dict[str, tuple[str, Change]] = {
    "line without a folder": (FOLDER, add_line("    Penguin: penguin\n")),
    "missing file": (FOLDER, remove("auth/jwt/service.py")),
    "odd file": (FOLDER, write("store/memory/notes.txt", "")),
    "missing key": (DESCRIPTION, describe(r"^durable: .*\n", "")),
    "unknown key": (DESCRIPTION, describe(r"^sql:", "colour: red\nsql:")),
    "text for a flag": (DESCRIPTION, describe(r"^sql: .*", "sql: 'no'")),
    "list instead of keys": (DESCRIPTION, write("auth/jwt/choice.yml", "- summary\n")),
    "invalid YAML": (DESCRIPTION, describe(r"^summary: .*", "summary: signed: tokens")),
    "empty summary": (DESCRIPTION, describe(r"^summary: .*", 'summary: ""')),
    "forgotten secrets": (DESCRIPTION, describe(r"^secrets: .*", "secrets: false")),
    "forgotten module": (DESCRIPTION, describe(r"^modules: .*", "modules: []")),
    "missing module": (DESCRIPTION, remove("auth/jwt/commands/token.py")),
    "module that is not listed": (DESCRIPTION, write("auth/jwt/keys/rsa.py", "")),
    "module that does not exist": (DESCRIPTION, describe(r"^modules: .*", "modules: [keys]")),
    "test that is not listed": (DESCRIPTION, write("auth/jwt/tests/test_keys.py", "")),
    "test that does not exist": (DESCRIPTION, describe(r"^tests: .*", "tests: [test_keys]")),
    "words of nobody": (DESCRIPTION, describe(r"^words: .*", "words: 'unicorn'")),
    "folder without a line": (LINE, add_folder),
    "two lines": (LINE, add_line("    Another echo: echo\n")),
    "label with a bare colon": (LINE, add_line("    Penguin: repeats: penguin\n")),
    "axis without a question": (LINE, lambda root: (options(root) / "cache").mkdir()),
    "new package": (LOCK, write("agent/echo/requirements.txt", "unicorn>=1,<2\n")),
    "newer version": (LOCK, write("agent/echo/requirements.txt", "pydantic>=99,<100\n")),
    "no requirement": (LOCK, write("agent/echo/dev-requirements.txt", "# none\n")),
    "changed summary": (DOCS, describe(r"^summary: .*", "summary: another one")),
}
"""By name: the step that was left out or went wrong, and how."""


@pytest.mark.parametrize(("step", "change"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_step_that_is_missing_is_named(root: Path, step: str, change: Change) -> None:
    """The failure has the words of the step, and of no other but `make docs` that follows it."""
    change(root)

    named = [name for name, words in steps(root).items() if words in "\n".join(missing(root))]

    assert named in ([step], [step, DOCS])


def test_every_step_can_be_missing() -> None:
    """The list, its conditions and the copies above are about the same steps."""
    assert list(steps(REPOSITORY)) == list(CONDITIONS)
    assert {step for step, _ in LEFT_OUT.values()} == set(CONDITIONS)
    assert len(re.findall(r"^\d+\. ", section(REPOSITORY), re.MULTILINE)) == len(CONDITIONS)


def test_every_key_is_described() -> None:
    """The table has the keys of `choice.yml`, in the order in which they are written."""
    described = re.findall(r"^\| `(\w+)` \|", section(REPOSITORY), re.MULTILINE)
    written = (options(REPOSITORY) / "agent" / "echo" / "choice.yml").read_text(encoding="utf-8")

    assert described == list(KEYS)
    assert re.findall(r"^(\w+):", written, re.MULTILINE) == described


PENGUIN = "template/options/agent/penguin/choice.yml"

UNUSUAL: dict[str, tuple[str, list[Change]]] = {
    "nothing unusual": ("    Penguin: penguin\n", []),
    "label with a colon in quotes": ('    "Penguin: repeats, for now": penguin\n', []),
    "choice with a validator": ("    Penguin: {value: penguin, validator: ''}\n", []),
    "modules of its own": (
        "    Penguin: penguin\n",
        [
            write("agent/penguin/commands/talk.py", ""),
            write("agent/penguin/beak.py", ""),
            replace(PENGUIN, "^modules: .*", "modules: [commands/talk, beak]"),
        ],
    ),
    "shared module": (
        "    Penguin: penguin\n",
        [replace(PENGUIN, "^modules: .*", "modules: [commands/migrate]")],
    ),
    "tests of its own": (
        "    Penguin: penguin\n",
        [
            write("agent/penguin/tests/test_penguin.py", ""),
            replace(PENGUIN, "^tests: .*", "tests: [test_penguin]"),
        ],
    ),
    "locked package with extras": (
        "    Penguin: penguin\n",
        [write("agent/penguin/requirements.txt", "Uvicorn[standard] >=0.50, <0.60\n\n")],
    ),
    "keys in another order": (
        "    Penguin: penguin\n",
        [replace(PENGUIN, r"^sql: false\n", ""), replace(PENGUIN, r"\Z", "sql: false\n")],
    ),
    "caches": (
        "    Penguin: penguin\n",
        [lambda root: (options(root) / "agent" / "penguin" / "__pycache__").mkdir()],
    ),
}
"""By name: a line for a new choice, and what is unusual about its folder."""


@pytest.mark.parametrize(("line", "changes"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_choice_is_complete(root: Path, line: str, changes: list[Change]) -> None:
    """A choice that was added completely misses no step, however unusual it is."""
    add_folder(root)
    for change in (add_line(line), *changes, make_docs):
        change(root)

    assert missing(root) == []


def test_new_choice_without_docs_is_named(root: Path) -> None:
    """The table must have the new choice too."""
    add_folder(root)
    add_line("    Penguin: penguin\n")(root)

    (failure,) = missing(root)

    assert failure.startswith(steps(root)[DOCS])
