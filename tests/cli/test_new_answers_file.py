"""`chatkit-scaffold new --answers`: files of answers, and everything else that a path can name."""

import json
import os
import resource
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkit_scaffold.generator.answers_file import MAX_BYTES
from tests.command import COMMAND, make_template, run

pytestmark = pytest.mark.usefixtures("workplace")

ONE_PER_LINE = "Write one answer per line, such as 'store: sqlite'."
YAML_FILE = "Pass a YAML file with lines such as 'store: sqlite'."
QUOTES = "Put it in quotes; without them, YAML reads a date, a number or a truth value."
NO_ALIASES = "Write out the answers without aliases."
TOO_LONG = "The aliases in the answers file answers.yml stand for more than 1,000,000 characters"

BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
"""Ten lines that stand for billions of values."""
MERGE_BOMB = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
"""The same with keys that are merged while YAML is read."""


def answers_of(*arguments: str | Path) -> dict[str, str]:
    """Create a project and return the answers it records."""
    result = run("new", "bot", "--json", "--no-git", *arguments)
    assert result.exit_code == 0, result.stderr
    found: dict[str, str] = json.loads(result.stdout)["answers"]
    return found


def test_answer_that_does_not_apply_is_refused(tmp_path: Path) -> None:
    """A file may answer a question only if it applies with the other answers."""
    file = tmp_path / "answers.yml"
    file.write_text("agent: echo\ntools: mcp\n", encoding="utf-8")

    refused = run("new", "bot", "--answers", file)
    used = answers_of("--answers", file, "--agent", "openai")

    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: tools does not apply with agent 'echo'")
    assert used["tools"] == "mcp"


def test_flags_override_the_file() -> None:
    """The file may be the answers that another project recorded."""
    Path("answers.yml").write_text(
        "_commit: v9\n_src_path: elsewhere\nstore: memory\nendpoint: /api/chat\n",
        encoding="utf-8",
    )

    answers = answers_of("--answers=answers.yml", "--store=sqlite")

    assert (answers["store"], answers["endpoint"]) == ("sqlite", "/api/chat")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("stoer: memory", "'stoer' is not a question of the template", None),
        ("store: [", "The answers file answers.yml is not valid YAML (line 1)", ONE_PER_LINE),
        (
            "- store",
            "The answers file answers.yml is not a mapping of questions to answers",
            ONE_PER_LINE,
        ),
        (
            "2024-01-01: memory",
            "The answers file answers.yml is not a mapping of questions to answers",
            ONE_PER_LINE,
        ),
        ("store: no-such-store", "'no-such-store' is not a valid store", None),
        ("store: 7", "7 is not a valid store", None),
        ("name:", "None is not a valid name", "Use a single text value."),
        ("name: [a]", "['a'] is not a valid name", "Use a single text value."),
        ("name: 2024-01-01", "2024-01-01 is not a valid name", QUOTES),
        ("name: 1.10", "1.1 is not a valid name", QUOTES),
        ("name: yes", "True is not a valid name", QUOTES),
        (f"name: 0x{'f' * 9_000}", "A number with thousands of digits is not a valid name", QUOTES),
        (
            "name: 2024-02-31",
            "The answers file answers.yml is not valid YAML: day is out of range for month",
            ONE_PER_LINE,
        ),
        ('name: "bot\\n"', r"'bot\n' is not a valid name", None),
        ('endpoint: "/chat\\n"', r"'/chat\n' is not a valid endpoint", None),
        (
            "store: memory\nname: a\0b",
            "The answers file answers.yml is not valid YAML (line 2)",
            ONE_PER_LINE,
        ),
        (
            f"name: {'[' * 5_000}{']' * 5_000}",
            "The answers file answers.yml is nested too deeply",
            ONE_PER_LINE,
        ),
        (BOMB, TOO_LONG, NO_ALIASES),
        (MERGE_BOMB, TOO_LONG, NO_ALIASES),
        ("name: &name [*name]", TOO_LONG, NO_ALIASES),
        (
            "#" * (MAX_BYTES + 1),
            "The answers file answers.yml has more than 65,536 bytes",
            ONE_PER_LINE,
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_rejects_invalid_content(
    content: str, message: str, hint: str | None, workplace: Path
) -> None:
    """What is wrong in a file is one sentence and one hint, and nothing is created."""
    Path("answers.yml").write_text(content, encoding="utf-8")

    result = run("new", "bot", "--answers=answers.yml")

    assert (result.exit_code, result.stdout) == (2, "")
    error, shown = result.stderr.splitlines()
    assert error == f"error: {message}"
    assert shown.startswith(" hint: ")
    assert hint is None or shown == f" hint: {hint}"
    assert [path.name for path in workplace.iterdir()] == ["answers.yml"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("name: '2024-01-01'", "2024-01-01"),
        ('name: "1.10"', "1.10"),
        ("name: !!str 7", "7"),
        ("store: &text memory\nname: *text", "memory"),
        ("\ufeffname: bot", "bot"),
        ("{'name': bot, endpoint: /chat}", "bot"),
        (f"name: bot{' ' * (MAX_BYTES - 9)}", "bot"),
        ("%YAML 1.1\n---\nname: bot\n...\n", "bot"),
    ],
    ids=[
        "quoted date",
        "quoted number",
        "tag",
        "alias",
        "byte order mark",
        "flow",
        "size",
        "markers",
    ],
)
def test_accepts_unusual_content(content: str, name: str) -> None:
    """Any YAML that gives each question one text is a file of answers."""
    Path("answers.yml").write_text(content, encoding="utf-8")

    assert answers_of("--answers=answers.yml")["name"] == name


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.exists, "No such file or directory"),
    "folder": (Path.mkdir, "Is a directory"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "latin-1": (lambda path: path.write_bytes(b"name: caf\xe9"), "not UTF-8 text"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_rejects_what_cannot_be_read(kind: str) -> None:
    """The error has the reason."""
    prepare, reason = UNREADABLE[kind]
    prepare(Path("answers.yml"))

    result = run("new", "bot", "--answers=answers.yml")

    assert result.exit_code == 2
    assert result.stderr == (
        f"error: The answers file answers.yml cannot be read: {reason}\n hint: {YAML_FILE}\n"
    )


def test_rejects_an_endless_device() -> None:
    """It is read no further than the largest file."""
    result = run("new", "bot", "--answers=/dev/zero")

    assert result.exit_code == 2
    assert result.stderr == (
        f"error: The answers file /dev/zero has more than 65,536 bytes\n hint: {ONE_PER_LINE}\n"
    )


def test_a_pipe_is_a_file_of_answers() -> None:
    """`--answers <(...)` works in shells that have it."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=("name: piped\n",))
    writer.start()

    answers = answers_of("--answers=pipe")

    writer.join()
    assert answers["name"] == "piped"


@pytest.mark.parametrize("content", [BOMB, MERGE_BOMB])
def test_a_trap_takes_little_memory(content: str) -> None:
    """The command needs no more than 512 MiB of address space to reject a trap."""
    Path("trap.yml").write_text(content, encoding="utf-8")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))

    done = subprocess.run(
        [*COMMAND, "new", "bot", "--answers=trap.yml"],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )

    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "error: The aliases in the answers file trap.yml stand for more than 1,000,000 characters",
    )


def test_a_date_is_not_blamed_on_another_template(tmp_path: Path) -> None:
    """Copier's own message would call the template wrong."""
    template = make_template(tmp_path / "template", {"copier.yml": "name: x\n", "a.txt": "a"})
    Path("answers.yml").write_text("name: 2024-01-01\n", encoding="utf-8")

    result = run("new", "bot", "--answers=answers.yml", f"--template={template}")

    assert result.exit_code == 2
    assert result.stderr == f"error: 2024-01-01 is not a valid name\n hint: {QUOTES}\n"
