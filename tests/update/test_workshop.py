"""The temporary folder in which a result gets its lock and is tried."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.errors import ToolError
from chatkit_scaffold.update.outcome import Conflict, Files, Merged
from chatkit_scaffold.update.repository import Repository
from chatkit_scaffold.update.workshop import check, renew_lock, workshop
from tests.command import git, run, tree
from tests.update.kill import processes_with
from tests.update.three_sides import Content, make_repository, write_files

LIBRARY = '[project]\nname = "{0}"\nversion = "1"\nrequires-python = ">=3.11"\n'


def pyproject(*libraries: str) -> str:
    """Return a project that requires libraries in its own folders, so that uv needs no network."""
    return "\n".join(
        [
            "[project]",
            'name = "bot"',
            'version = "1"',
            'requires-python = ">=3.11"',
            f"dependencies = {[*libraries]}",
            "[tool.uv]",
            "package = false",
            "[tool.uv.sources]",
            *(f'{library} = {{ path = "{library}" }}' for library in libraries),
            "",
        ]
    )


FILES: Mapping[str, Content] = {
    ".copier-answers.yml": "_commit: 0.2.0\n",
    ".gitignore": ".venv\n",
    "pyproject.toml": pyproject("one"),
    "one/pyproject.toml": LIBRARY.format("one"),
    "two/pyproject.toml": LIBRARY.format("two"),
    "app/odd name.py": "x = 1\n",
    "link": Path("app"),
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")


def locked(root: Path, prefix: str = "", files: Mapping[str, Content] = FILES) -> Repository:
    """Commit a project with a lock."""
    write_files(root / prefix, files)
    launcher.lock(root / prefix)
    return make_repository(root, {}, prefix=prefix)


def result(repository: Repository, **files: str) -> Merged:
    """Return a merge in which the template has changed `pyproject.toml`, or what is given."""
    changed = {"pyproject.toml": pyproject("one", "two"), **files}
    index = repository.root.parent / "index"
    folder = write_files(repository.root.parent / "theirs", changed)
    below = f"HEAD:{repository.prefix}"
    repository.git("read-tree", below, index=index)
    repository.git("add", "--ignore-removal", ".", index=index, work_tree=folder)
    return Merged(repository.git("write-tree", index=index), files=Files(kept=("a", "uv.lock")))


def lock_of(repository: Repository, merged: Merged) -> str:
    """Return the lock of a result."""
    return repository.git("show", f"{merged.tree}:uv.lock")


def renewed(repository: Repository, merged: Merged) -> Merged:
    """Renew the lock in a workshop of its own."""
    with workshop(repository, merged.tree) as folder:
        return renew_lock(repository, folder, merged)


@pytest.mark.parametrize("prefix", ["", "services/b*t"])
def test_workshop_has_the_files(tmp_path: Path, prefix: str) -> None:
    """All of them are there, the user's repository does not change, and nothing is left."""
    repository = make_repository(tmp_path / "all", FILES, prefix=prefix)
    before = tree(tmp_path / "all" / ".git")
    index = (tmp_path / "all" / ".git" / "index").read_bytes()
    git(repository.root, "config", "core.sparseCheckout", "true")

    with workshop(repository, git(repository.root, "rev-parse", f"HEAD:{prefix}")) as folder:
        assert tree(folder) == tree(repository.project)
        assert (folder / "link").readlink() == Path("app")

    assert not folder.exists()
    assert tree(tmp_path / "all" / ".git") == before
    assert (tmp_path / "all" / ".git" / "index").read_bytes() == index
    assert git(repository.root, "worktree", "list").count("\n") == 0


def test_workshop_without_large_files(tmp_path: Path) -> None:
    """A file of Git LFS that cannot be fetched does not stop the update."""
    attributes = {".gitattributes": "*.bin filter=lfs\n", "model.bin": "a pointer\n"}
    repository = make_repository(tmp_path / "bot", {**FILES, **attributes})
    git(repository.root, "config", "filter.lfs.smudge", "false")
    git(repository.root, "config", "filter.lfs.required", "true")

    with workshop(repository, git(repository.root, "rev-parse", "HEAD^{tree}")) as folder:
        assert (folder / "model.bin").read_text() == "a pointer\n"


@pytest.mark.parametrize("prefix", ["", "services/bot"])
def test_tracked_lock_is_renewed(tmp_path: Path, prefix: str) -> None:
    """It fits the new requirements; nothing else of the result changes."""
    repository = locked(tmp_path / "all", prefix)
    merged = result(repository)

    new = renewed(repository, merged)

    assert 'name = "two"' in lock_of(repository, new)
    assert git(repository.root, "diff", "--name-only", merged.tree, new.tree) == "uv.lock"
    assert new.notices == ()
    assert new.files == Files(updated=("uv.lock",), kept=("a",))


def test_lock_stays_without_new_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then uv does not even run."""
    repository = locked(tmp_path / "bot")
    merged = result(repository, **{"pyproject.toml": pyproject("one"), "new.py": ""})
    monkeypatch.setenv("PATH", "")

    assert renewed_without_git_on_path(repository, merged, monkeypatch) == merged


def renewed_without_git_on_path(
    repository: Repository, merged: Merged, monkeypatch: pytest.MonkeyPatch
) -> Merged:
    """Renew the lock with git, but without uv."""
    programs = repository.root.parent / "programs"
    programs.mkdir()
    found = shutil.which("git", path=os.defpath)
    assert found
    (programs / "git").symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("chatkit_scaffold.launcher.find_spec", lambda _: None)
    return renewed(repository, merged)


def test_untracked_lock_is_the_users(tmp_path: Path) -> None:
    """There is nothing to renew in the commit."""
    repository = make_repository(tmp_path / "bot", FILES)
    merged = result(repository)
    write_files(repository.root, {"uv.lock": "mine\n"})

    assert renewed(repository, merged) == merged
    assert (repository.root / "uv.lock").read_text() == "mine\n"


def test_without_uv_the_lock_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice has the command to run."""
    repository = locked(tmp_path / "bot")
    merged = result(repository)

    new = renewed_without_git_on_path(repository, merged, monkeypatch)

    assert new.tree == merged.tree
    (notice,) = new.notices
    assert notice.startswith("uv.lock was not updated, so run uv lock: uv was not found")


def test_without_network_the_lock_is_kept(tmp_path: Path) -> None:
    """The reason is shown, without the name of the temporary folder."""
    repository = locked(tmp_path / "bot")
    other = pyproject("one").replace("['one']", '["one", "no-such-library-of-ours"]')
    merged = result(repository, **{"pyproject.toml": other})

    new = renewed(repository, merged)

    assert new.tree == merged.tree
    (notice,) = new.notices
    assert notice.startswith(
        "uv.lock was not updated, so run uv lock: uv cannot lock the project: "
    )
    assert "chatkit-scaffold-" not in notice


def test_lock_waits_for_conflicts(tmp_path: Path) -> None:
    """Markers are no requirements."""
    repository = locked(tmp_path / "bot")
    conflicts = (Conflict("pyproject.toml", 1, "both changed these lines"),)
    plain = result(repository, **{"pyproject.toml": "<<<<<<< yours\n"})
    merged = Merged(plain.tree, conflicts=conflicts)

    new = renewed(repository, merged)

    assert new.tree == merged.tree
    assert new.notices == (
        "uv.lock was not updated: resolve the conflicts in pyproject.toml, then run uv lock",
    )


@pytest.mark.parametrize(
    ("workspace", "is_member"),
    [
        ('[tool.uv.workspace]\nmembers = ["services/*"]\n', True),
        ('[tool.uv.workspace]\nmembers = ["s*/*"]\nexclude = ["services/bot"]\n', False),
        ('[tool.uv.workspace]\nmembers = ["libraries/*"]\n', False),
        ("[tool.uv]\nworkspace = 3\n", False),
        ("no TOML\n", False),
    ],
    ids=["member", "excluded", "other", "wrong", "broken"],
)
def test_lock_of_a_workspace(tmp_path: Path, workspace: str, *, is_member: bool) -> None:
    """It is outside of the project's folder, where an update changes nothing."""
    repository = locked(tmp_path / "all", "services/bot")
    write_files(repository.root, {"pyproject.toml": workspace})
    merged = result(repository)

    new = renewed(repository, merged)

    if is_member:
        assert new.notices == (f"uv.lock in {repository.root} was not updated: run uv lock there",)
    else:
        assert 'name = "two"' in lock_of(repository, new)


def small(folder: Path, test: str, app: str = "raise SystemExit('no backend')\n") -> Path:
    """Create a project with one test; its environment has what ours has."""
    write_files(
        folder,
        {
            ".copier-answers.yml": "endpoint: /chatkit\n",
            "pyproject.toml": pyproject(),
            "tests/__init__.py": "",
            "tests/test_own.py": test,
            "app/__main__.py": app,
        },
    )
    return folder


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `install` link the environment of these tests, which has pytest, offline."""

    def link(project: Path) -> None:
        (project / ".venv").symlink_to(sys.prefix)

    monkeypatch.setattr(launcher, "install", link)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.mark.usefixtures("ours")
def test_failing_test(tmp_path: Path) -> None:
    """The last line of pytest says how many failed; the protocol check is still tried."""
    checked = check(small(tmp_path / "bot", "def test_own():\n    assert 0, '\\x1b[31m'\n"))

    assert (checked.tests_passed, checked.passed, checked.protocol) == (False, False, None)
    assert checked.tests.startswith("1 failed in")
    assert checked.problem == "The backend exited with status 1: no backend"


@pytest.mark.usefixtures("ours")
def test_project_without_tests(tmp_path: Path) -> None:
    """Its owner has deleted them, which is no failure."""
    checked = check(small(tmp_path / "bot", ""))

    assert checked.tests_passed
    assert checked.tests.startswith("no tests ran")
    assert not checked.passed


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("example", "service", "problem"),
    [
        ("KEY=\n", "print('no JSON')\n", "do not start: no JSON"),
        ("KEY=\n", "print('[1]')\n", "do not start: [1]"),
        ("KEY=\n", "raise SystemExit('broken')\n", "do not start: broken"),
        ("# KEY=\n", "raise SystemExit('broken')\n", "The backend exited"),
    ],
    ids=["text", "list", "broken", "not-needed"],
)
def test_services_that_do_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str, service: str, problem: str
) -> None:
    """Whatever the project does is a sentence, not a traceback."""
    monkeypatch.delenv("KEY", raising=False)
    project = small(tmp_path / "bot", "def test_own():\n    pass\n")
    write_files(project, {".env.example": example, "tests/services.py": service})

    checked = check(project)

    assert checked.tests_passed
    assert not checked.passed
    assert checked.problem
    assert problem in checked.problem


@pytest.mark.usefixtures("ours")
def test_processes_of_tests_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that a test leaves running neither delays the check nor survives it."""
    monkeypatch.setenv("LEFT_BY", str(tmp_path))
    left = "import subprocess\n\ndef test_own():\n    subprocess.Popen(['sleep', '600'])\n"

    checked = check(small(tmp_path / "bot", left))

    assert checked.tests.startswith("1 passed in")
    assert not processes_with(f"LEFT_BY={tmp_path}")


@pytest.mark.usefixtures("ours")
def test_interrupted_tests_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches the tests, which may stop what they have started, and then nothing runs."""
    # A shell starts background processes so that they ignore Ctrl-C, and their children too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setenv("LEFT_BY", str(tmp_path))
    test = f"""
import os, pathlib, subprocess, time

def test_own():
    child = subprocess.Popen(["sleep", "600"])
    try:
        pathlib.Path({str(tmp_path / "begun")!r}).touch()
        time.sleep(600)
    finally:
        pathlib.Path({str(tmp_path / "stopped")!r}).touch()
"""
    project = small(tmp_path / "bot", test)
    interrupt = subprocess.Popen(
        ["sh", "-c", f"until [ -e begun ]; do sleep 0.1; done; kill -INT {os.getpid()}"],
        cwd=tmp_path,
        env={"PATH": os.defpath},
    )

    try:
        with pytest.raises(KeyboardInterrupt):
            check(project)
    finally:
        signal.signal(signal.SIGINT, before)

    interrupt.wait()
    assert (tmp_path / "stopped").exists()
    assert not processes_with(f"LEFT_BY={tmp_path}")


def test_dependencies_that_cannot_be_installed(tmp_path: Path) -> None:
    """That is a failed check: the branch is made all the same."""
    project = small(tmp_path / "bot", "")
    other = pyproject().replace("[]", '["no-such-library-of-ours"]')
    write_files(project, {"pyproject.toml": other})

    checked = check(project)

    assert (checked.passed, checked.tests) == (False, "not run")
    assert checked.problem
    assert checked.problem.startswith("uv cannot install the project: ")


def test_check_without_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be said then."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("chatkit_scaffold.launcher.find_spec", lambda _: None)

    with pytest.raises(ToolError, match="uv was not found"):
        check(small(tmp_path / "bot", ""))


@pytest.mark.xdist_group("served")
def test_project_that_works(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one: installed, tested, started with a secret of its tests, and checked."""
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.delenv("JWT_SECRET", raising=False)
    made = run("new", "bot", "--defaults", "--store=memory", "--auth=jwt")
    assert made.exit_code == 0, made.output
    project = workplace / "bot"
    for path in (project / "tests").glob("test_*.py"):
        if path.name != "test_health.py":
            path.unlink()

    checked = check(project)

    assert checked.passed, checked
    assert checked.tests_passed
    assert " passed in " in checked.tests
    assert checked.protocol
    assert checked.protocol["required_failures"] == []
    assert checked.problem is None
