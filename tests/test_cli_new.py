"""`chatkit-scaffold new`: what it makes, what it refuses, and what it leaves behind."""

import contextlib
import inspect
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkit_scaffold import cli, options
from tests.command import (
    COMMAND,
    REPOSITORY,
    at_terminal,
    git,
    make_template,
    run,
    tree,
)

QUESTIONS = options.read_questions(REPOSITORY)
ENTER, DOWN, INTERRUPT = "\r", "\x1b[B", "\x03"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder outside any repository, in which every test works."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.quick
def test_makes_a_project_with_a_first_commit(workplace: Path) -> None:
    """Without any answer the defaults are taken, and everything is committed on main."""
    result = run("new", "support-bot")

    assert (result.exit_code, result.stdout) == (
        0,
        "Created support-bot. Next: cd support-bot && uv run python -m app\n",
    )
    project = workplace / "support-bot"
    assert (project / "app" / "main.py").is_file()
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%s %D") == "Create the backend HEAD -> main"


@pytest.mark.parametrize("answers", options.combinations(QUESTIONS), ids=options.combination_name)
def test_equals_copier_copy(answers: dict[str, str], workplace: Path) -> None:
    """`copier copy` gives the same project, byte for byte but for the recorded source."""
    data = [part for key, value in answers.items() for part in ("--data", f"{key}={value}")]

    assert run("new", "ours", "--name=same", "--no-git", *data).exit_code == 0
    copier = [sys.executable, "-m", "copier", "copy", "--vcs-ref=HEAD", "--defaults", "--quiet"]
    copied = subprocess.run(
        [*copier, *data, "--data=name=same", str(REPOSITORY), "copied"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert copied.returncode == 0, copied.stderr
    recorded = ".copier-answers.yml"
    assert tree(workplace / "ours", without=[recorded]) == tree(
        workplace / "copied", without=[recorded]
    )
    assert _answers(workplace / "ours" / recorded) == _answers(workplace / "copied" / recorded)


def _answers(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(("_commit:", "_src_path:"))]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--store=redis"], "'redis' is no choice for store", "Choose memory, sqlite or postgres."),
        (
            ["--store=memory", "--data=store=sqlite"],
            "store is answered twice, with 'memory' and with 'sqlite'",
            "Give --store or --data store=... once.",
        ),
        (
            ["--data=colour=red"],
            "The template has no question 'colour'",
            "It asks name, store, agent, auth, endpoint.",
        ),
        (
            ["--data=sql=true"],
            "sql follows from the other answers and cannot be set to 'true'",
            "Leave sql out.",
        ),
        (
            ["--data=store"],
            "'store' is no answer",
            "Write --data KEY=VALUE, such as --data store=memory.",
        ),
        (
            ["--name=-bot"],
            "'-bot' cannot be the name",
            (
                "Use at most 64 letters, digits, dots, hyphens and underscores, "
                "and begin and end with a letter or digit."
            ),
        ),
        (
            ["--endpoint=chat"],
            "'chat' cannot be the endpoint",
            (
                "Begin with a slash and use letters, digits, hyphens and underscores, "
                "such as /chatkit or /api/chatkit."
            ),
        ),
        (
            ["--answers=missing.yml"],
            "The answers file missing.yml cannot be read: No such file or directory",
            "Name a YAML file with lines such as 'store: sqlite'.",
        ),
        (
            ["--ref=nowhere"],
            f"The template {REPOSITORY} has no version 'nowhere'",
            "Name a tag, a branch or a commit of it with --ref.",
        ),
        (
            ["--template=https://me:secret@example.org/t.git"],
            (
                "The template's address https://me:***@example.org/t.git holds a password, "
                "which every project would record"
            ),
            "Leave it out and let git's credential helper supply it.",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_refuses_wrong_answers(
    arguments: list[str], message: str, hint: str, workplace: Path
) -> None:
    """A wrong answer is one sentence with its value, one hint, status 2 and an empty folder."""
    result = run("new", "bot", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {message}\n hint: {hint}\n"
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize(
    ("dest", "message"),
    [
        ("full", "{work}/full is not empty"),
        ("file", "{work}/file exists and is not a folder"),
        ("file/bot", "{work}/file is not a folder"),
        ("dangling", "{work}/dangling exists and is not a folder"),
        ("", "'' is no folder to make a project in"),
        ("/", "'/' is no folder to make a project in"),
    ],
)
def test_refuses_destinations_that_are_taken(dest: str, message: str, workplace: Path) -> None:
    """DEST must be new or empty; what is there is left alone."""
    (workplace / "full").mkdir()
    (workplace / "full" / "letter.txt").write_text("mine", encoding="utf-8")
    (workplace / "file").write_text("mine", encoding="utf-8")
    (workplace / "dangling").symlink_to("nowhere")
    before = tree(workplace)

    result = run("new", dest)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {message.format(work=workplace)}"
    assert tree(workplace) == before


def test_says_why_a_folder_cannot_be_written(workplace: Path) -> None:
    """What the system refuses is passed on in its own words."""
    name = "x" * 300

    result = run("new", name)

    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {workplace}/{name} cannot be written: File name too long\n"
        " hint: Choose a folder that you may write to.\n"
    )


def test_fills_the_empty_folder_one_stands_in(workplace: Path) -> None:
    """`new .` fills the folder instead of replacing it under the user's shell."""
    inode = workplace.stat().st_ino

    result = run("new", ".", "--no-git")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Created the project here. Next: uv run python -m app\n"
    assert workplace.stat().st_ino == inode
    assert "name: work" in (workplace / ".copier-answers.yml").read_text(encoding="utf-8")


def test_makes_missing_parents(workplace: Path) -> None:
    """DEST may lie in folders that do not exist yet, and be written absolutely."""
    result = run("new", workplace / "a" / "b c" / "bot", "--no-git")

    assert result.stdout == "Created a/b c/bot. Next: cd 'a/b c/bot' && uv run python -m app\n"
    assert not (workplace / "a" / "b c" / "bot" / ".git").exists()


def test_tells_what_must_be_set_before_the_start() -> None:
    """Choices that need a key or an address end with how to give them."""
    result = run("new", "bot", "--store=postgres", "--agent=openai", "--auth=jwt")

    assert result.stdout == (
        "Created bot. Next: cd bot && cp .env.example .env\n"
        "then set DATABASE_URL, OPENAI_API_KEY and JWT_SECRET in .env, "
        "and: uv run python -m app\n"
    )


def test_prints_json_for_machines(workplace: Path) -> None:
    """`--json` prints one object and nothing else."""
    result = run("new", "bot", "--json", "--store=memory")

    made = json.loads(result.stdout)
    assert result.stderr in {"", _DRAFT}
    assert made["path"] == str(workplace / "bot")
    assert made["answers"] == {
        "name": "bot",
        "store": "memory",
        "agent": "echo",
        "auth": "none",
        "endpoint": "/chatkit",
    }
    assert made["template"]["source"] == str(REPOSITORY)
    assert made["git"] == {"commit": git(workplace / "bot", "rev-parse", "HEAD")}
    assert made["next"] == ["cd bot", "uv run python -m app"]
    assert (made["needs"], made["check"]) == ([], None)


_DRAFT = (
    " note: the template has changes that are not committed, so this project cannot be updated\n"
)


def test_answers_file_yields_to_flags() -> None:
    """A flag wins over the file, which may be another project's record."""
    Path("answers.yml").write_text(
        "_commit: v9\n_src_path: elsewhere\nstore: memory\nendpoint: /api/chat\n",
        encoding="utf-8",
    )

    result = run("new", "bot", "--answers=answers.yml", "--store=sqlite", "--json")

    answers = json.loads(result.stdout)["answers"]
    assert (answers["store"], answers["endpoint"]) == ("sqlite", "/api/chat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stoer: memory\n", "The template has no question 'stoer'"),
        ("store: [\n", "The answers file answers.yml is not YAML (line 2)"),
        ("- store\n", "The answers file answers.yml holds no answers by name"),
        ("store: redis\n", "'redis' is no choice for store"),
        ("store: 7\n", "'7' is no choice for store"),
        ("name:\n", "None is no answer for name"),
        ("name: [a]\n", "['a'] is no answer for name"),
    ],
)
def test_refuses_wrong_answers_files(content: str, message: str) -> None:
    """What is wrong in an answers file is said as for a flag."""
    Path("answers.yml").write_text(content, encoding="utf-8")

    result = run("new", "bot", "--answers=answers.yml")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {message}"


def test_commits_for_somebody_git_does_not_know(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name, a failing hook and compulsory signatures do not keep the first commit away."""
    hooks = workplace / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (hooks / "pre-commit").chmod(0o755)
    config = workplace / "gitconfig"
    config.write_text(
        f"[core]\nhooksPath = {hooks}\n[commit]\ngpgsign = true\n[user]\nuseConfigOnly = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))

    result = run("new", "bot")

    assert result.exit_code == 0, result.stderr
    assert git(workplace / "bot", "log", "--format=%an") == "chatkit-scaffold"


def test_leaves_the_commit_to_the_repository_around_it(workplace: Path) -> None:
    """Inside a repository no second one is made, unless it is asked for or the folder ignored."""
    git(workplace, "init", "--quiet")
    (workplace / ".gitignore").write_text("/build/\n", encoding="utf-8")

    inside = run("new", "bot")
    ignored = run("new", "build/bot")
    asked = run("new", "own", "--git")

    note = f" note: it lies in the repository {workplace}: commit it there\n"
    assert (inside.exit_code, inside.stderr.replace(_DRAFT, "")) == (0, note)
    assert [(workplace / name / ".git").exists() for name in ("bot", "build/bot", "own")] == [
        False,
        True,
        True,
    ]
    assert ignored.stderr.replace(_DRAFT, "") == asked.stderr.replace(_DRAFT, "") == ""


def test_names_a_missing_git(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git nothing can be made, and the error says so."""
    monkeypatch.setenv("PATH", str(workplace))

    result = run("new", "bot")

    assert (result.exit_code, result.stderr) == (
        2,
        (
            "error: git was not found; it reads the template and keeps the project's first commit\n"
            " hint: Install git from https://git-scm.com and try again.\n"
        ),
    )


def test_ignores_the_repository_of_a_running_hook(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from a git hook, it touches neither the hook's repository nor its index."""
    outer = workplace / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git" / "index"))

    result = run("new", "bot")

    monkeypatch.undo()
    assert result.exit_code == 0, result.stderr
    assert git(workplace / "bot", "status", "--porcelain") == ""
    assert git(outer, "status", "--porcelain") == ""


TEMPLATES = {
    "syntax": {"copier.yml": "name: x\n", "a.txt.jinja": "{% if %}"},
    "undefined": {"copier.yml": "name: x\n", "a.txt.jinja": "{{ nobody.there }}"},
    "yaml": {"copier.yml": "name: [\n"},
    "tasks": {"copier.yml": "_tasks: ['touch made']\n"},
    "newer": {"copier.yml": "_min_copier_version: '999'\n"},
    "required": {"copier.yml": "colour:\n  type: str\n"},
    "type": {"copier.yml": "colour:\n  type: colour\n  default: red\n"},
}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("syntax", "cannot be rendered: a.txt.jinja, line 1: Expected an expression"),
        ("undefined", "cannot be rendered: 'nobody' is undefined"),
        ("yaml", "cannot be rendered: "),
        ("tasks", "would run programs of its own, which this command never does"),
        ("newer", "needs a newer Copier: This template requires Copier version >= 999"),
        ("required", "needs an answer for colour"),
        ("type", 'cannot be rendered: Unsupported type "colour" in question "colour"'),
    ],
)
def test_tells_what_is_wrong_with_another_template(
    kind: str, message: str, workplace: Path, tmp_path: Path
) -> None:
    """Whatever Copier raises for a template is one sentence; nothing is left."""
    template = make_template(tmp_path / "template", TEMPLATES[kind])

    result = run("new", "bot", f"--template={template}")

    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: The template ")
    assert message in error
    assert hint.startswith(" hint: ")
    assert list(workplace.iterdir()) == []


CHOICES = """
size:
  type: str
  choices: [small, large]
  default: small
door:
  type: str
  choices:
    Wood: wood
    Steel: {value: steel, validator: "{% if size == 'small' %}Steel needs size large.{% endif %}"}
  default: wood
lock:
  type: str
  default: none
  when: "{{ door == 'steel' }}"
"""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--data=size=huge"], "'huge' is no choice for size"),
        (["--data=door=steel"], "'steel' is not possible for door"),
        (["--data=lock=big"], "lock does not apply to the other answers, so 'big' has no use"),
        (["--data=roof=flat"], "The template has no question 'roof'"),
        (["--store=sqlite"], "The template has no question 'store'"),
    ],
)
def test_checks_answers_to_another_template(
    arguments: list[str], error: str, workplace: Path, tmp_path: Path
) -> None:
    """No answer to another template is dropped: it is used or refused."""
    template = make_template(tmp_path / "template", {"copier.yml": CHOICES, "a.txt": "a"})

    result = run("new", "house", f"--template={template}", *arguments)

    assert (result.exit_code, result.stderr.splitlines()[0]) == (2, f"error: {error}")
    assert list(workplace.iterdir()) == []


def test_uses_the_version_that_was_asked_for(tmp_path: Path) -> None:
    """`--ref` takes a tag of another template; without it the newest tag is taken."""
    template = make_template(tmp_path / "template", {"copier.yml": "name: x\n", "a.txt": "old"})
    git(template, "tag", "v1")
    (template / "a.txt").write_text("new", encoding="utf-8")
    git(template, "commit", "--quiet", "--all", "--message=change")
    git(template, "tag", "v2")

    old = json.loads(run("new", "old", f"--template={template}", "--ref=v1", "--json").stdout)
    new = json.loads(run("new", "new", f"--template={template}", "--json").stdout)

    assert (old["template"]["commit"], new["template"]["commit"]) == ("v1", "v2")
    assert Path("old", "a.txt").read_text(encoding="utf-8") == "old"
    assert new["next"] == ["cd new"]


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


@pytest.mark.xdist_group("served")
def test_check_installs_starts_and_verifies(workplace: Path) -> None:
    """`--check` runs the checks on the new backend, with two users, and leaves no data behind."""
    result = run("new", "bot", "--check", "--json", "--store=sqlite", "--auth=jwt")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["check"]
    untracked = git(workplace / "bot", "status", "--porcelain", "--ignored").splitlines()
    assert not [line for line in untracked if ".db" in line]


@pytest.mark.xdist_group("served")
def test_check_shows_why_a_backend_does_not_start(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only its owner can supply is named by the project itself; the project stays."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    result = run("new", "bot", "--check", "--store=memory", "--agent=openai")

    assert result.exit_code == 2
    assert "The backend ended with status" in result.stderr
    assert "OPENAI_API_KEY" in result.stderr
    assert (workplace / "bot" / "app").is_dir()


def test_check_names_a_missing_uv(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv the project is made, and the check says what it misses."""
    only_git = workplace / "programs"
    only_git.mkdir()
    (only_git / "git").symlink_to(shutil.which("git") or "git")
    monkeypatch.setenv("PATH", str(only_git))
    monkeypatch.setattr("chatkit_scaffold.serve.find_spec", lambda _: None)

    result = run("new", "bot", "--check")

    assert (result.exit_code, result.stderr.replace(_DRAFT, "")) == (
        2,
        (
            "error: uv was not found; it installs the project\n"
            " hint: Install it: python -m pip install uv\n"
        ),
    )


def test_python_m_and_version() -> None:
    """`python -m chatkit_scaffold --version` prints the version."""
    shown = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout == "chatkit-scaffold 0.1.0\n"
