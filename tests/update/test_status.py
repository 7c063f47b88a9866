"""What a project is, what its user changed, and whether an update waits."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkit_scaffold.errors import DestinationError, TemplateError
from chatkit_scaffold.generator.history import has_commit
from chatkit_scaffold.generator.record import FILE
from chatkit_scaffold.generator.releases import read_releases
from chatkit_scaffold.update.changes import Changes, find_changes
from chatkit_scaffold.update.outcome import Rename
from chatkit_scaffold.update.status import as_dict, as_text, status
from tests.command import REPOSITORY, git, run, tree
from tests.generator.small_history import commit, make_checkout, release

pytestmark = pytest.mark.quick

LINES = "".join(f"line {n}\n" for n in range(20))
NOTES = """\
projects:
  changed: [A third line., {text: On disk., for: {store: [sqlite]}}]
  removed:
    files: {template/app.py: It is in app/., template/other.py: Gone as well.}
  steps: [Read it.]
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with releases 0.1.0 and 0.2.0, and 0.3.0 in preparation."""
    folder = make_checkout(tmp_path_factory.mktemp("status") / "checkout")
    commit(folder, "releases/0.3.0.yml", NOTES)
    return folder


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """A project of release 0.2.0, outside of git."""
    folder = tmp_path / "bot"
    (folder / "template").mkdir(parents=True)
    (folder / "template" / "app.py").write_text("one = 1\ntwo = 2\n", encoding="utf-8")
    record(folder, "0.2.0")
    return folder


def record(bot: Path, version: str) -> None:
    """Write what a project records."""
    (bot / FILE).write_text(f"_commit: {version}\n_src_path: x\nstore: memory\n", "utf-8")


def test_text_of_a_project_that_an_update_available_for(checkout: Path, bot: Path) -> None:
    """What to do comes last; notes are about this project's answers and files."""
    (bot / "template" / "app.py").write_text("one = 1\ntwo = 3\n", encoding="utf-8")

    found = status(str(bot), checkout)

    assert found.newest.startswith("0.2.0-")
    assert (
        as_text(found)
        == f"""\
{bot} has version 0.2.0 of the template.

Answers:
  store: memory

You changed (1):
  template/app.py

Changed in 0.3.0:
  A third line.

Removed in 0.3.0:
  template/app.py: It is in app/.

Steps to take for 0.3.0:
  Read it.

An update to version {found.newest} is available. To preview it:
  chatkit-scaffold update {bot} --dry-run"""
    )
    assert found.exit_status() == 1


def test_the_command_inside_the_project(
    checkout: Path, bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is left out where `update` finds it."""
    monkeypatch.chdir(bot / "template")

    text = as_text(status(None, checkout))

    assert text.endswith("To preview it:\n  chatkit-scaffold update --dry-run")


def test_text_of_a_project_that_is_current(tmp_path: Path, bot: Path) -> None:
    """Nothing is left to do."""
    checkout = make_checkout(tmp_path / "checkout")
    release(checkout, "0.3.0")
    text = (bot / "template" / "app.py").read_text("utf-8")
    (bot / "template" / "app.py").write_text(f"{text}three = 3\n", encoding="utf-8")
    record(bot, "0.3.0")

    found = status(str(bot), checkout)

    assert (
        as_text(found)
        == f"""\
{bot} has version 0.3.0 of the template.

Answers:
  store: memory

No update is available."""
    )
    assert found.exit_status() == 0


def test_dict_has_everything(checkout: Path, bot: Path) -> None:
    """All values are JSON's."""
    found = json.loads(json.dumps(as_dict(status(str(bot), checkout))))

    assert found["version"] == "0.2.0"
    assert found["update_available"] is True
    assert found["answers"] == {"store": "memory"}
    assert found["changes"] == {"modified": [], "added": [], "deleted": [], "renamed": []}
    assert [note["version"] for note in found["notes"]] == ["0.3.0"]
    assert found["notes"][0]["changed"] == ["A third line."]


def test_nothing_is_written(checkout: Path, bot: Path) -> None:
    """Neither in the work tree nor in its repository, however unclean they are."""
    git(bot, "init", "--quiet")
    git(bot, "add", "--all")
    (bot / "new.py").write_text("", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in bot.rglob("*")}
    files = tree(bot)

    status(str(bot), checkout)

    assert {path: path.stat().st_mtime_ns for path in bot.rglob("*")} == before
    assert tree(bot) == files


def test_without_dest_it_is_the_project_around(
    checkout: Path, bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a folder of the project."""
    monkeypatch.chdir(bot / "template")

    assert status(None, checkout).project == str(bot)


def test_version_that_the_command_does_not_have_is_refused(checkout: Path, bot: Path) -> None:
    """Nobody can say what the user changed."""
    record(bot, "0.9.0")

    with pytest.raises(TemplateError, match=r"Version 0.9.0 is newer"):
        status(str(bot), checkout)


def test_folder_without_a_project_is_refused(checkout: Path, tmp_path: Path) -> None:
    """Nothing is rendered for it."""
    with pytest.raises(DestinationError, match="is not a project"):
        status(str(tmp_path), checkout)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """A render and a project that equals it."""
    base, project = tmp_path / "base", tmp_path / "project"
    for name, text in {"a.py": LINES, "app/b.py": LINES.upper(), ".gitignore": "*.db\n"}.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text, encoding="utf-8")
    shutil.copytree(base, project)
    return base, project


@pytest.fixture(params=["outside", "untracked", "staged", "committed", "subfolder", "ignored"])
def in_git(request: pytest.FixtureRequest, sides: tuple[Path, Path]) -> Callable[[], None]:
    """Put the project into git as far as the name says; to call after the changes."""

    def put() -> None:
        _, project = sides
        top = project.parent if request.param in ("subfolder", "ignored") else project
        if request.param == "outside":
            return
        git(top, "init", "--quiet")
        if request.param == "ignored":
            (top / ".gitignore").write_text("project/\n", encoding="utf-8")
        if request.param not in ("untracked", "ignored"):
            git(top, "add", "--", str(project))
        if request.param == "committed":
            git(project, "commit", "--quiet", "--message=all")

    return put


def test_changes_are_found(sides: tuple[Path, Path], in_git: Callable[[], None]) -> None:
    """Committed or not, in git or not; what git ignores and the lock file do not count."""
    base, project = sides
    (project / "a.py").write_text(f"first\n{LINES}", encoding="utf-8")
    (project / "app" / "b.py").rename(project / "app" / "c d.py")
    (project / "app" / "c d.py").write_text(f"{LINES.upper()}LAST\n", encoding="utf-8")
    (project / "app" / "münze.py").write_text("own = 1\n", encoding="utf-8")
    (project / "chat.db").write_text("", encoding="utf-8")
    (project / "uv.lock").write_text("", encoding="utf-8")
    in_git()

    assert find_changes(base, project) == Changes(
        modified=("a.py",),
        added=("app/münze.py",),
        renamed=(Rename("app/b.py", "app/c d.py", by="you"),),
    )


def test_equal_project_has_no_changes(sides: tuple[Path, Path], in_git: Callable[[], None]) -> None:
    """Other line ends, as git may check them out, and another mode are no change by hand."""
    base, project = sides
    (project / "a.py").write_text(LINES, encoding="utf-8", newline="\r\n")
    (project / "app" / "b.py").chmod(0o755)
    in_git()

    assert find_changes(base, project) == Changes()


def test_deleted_file_is_not_a_renamed_one(sides: tuple[Path, Path]) -> None:
    """A rename needs a similar file."""
    base, project = sides
    (project / "a.py").unlink()
    (project / "new.py").write_text("something = 'else'\n", encoding="utf-8")

    assert find_changes(base, project) == Changes(added=("new.py",), deleted=("a.py",))


def test_file_deleted_from_the_work_tree_only(sides: tuple[Path, Path]) -> None:
    """The index still has it, and it is gone nevertheless."""
    base, project = sides
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    (project / "a.py").unlink()

    assert find_changes(base, project) == Changes(deleted=("a.py",))


def test_ignored_file_of_the_template_is_not_deleted(sides: tuple[Path, Path]) -> None:
    """It is there, whether git tracks it or not."""
    base, project = sides
    (project / ".gitignore").write_text("*.db\na.py\n", encoding="utf-8")

    assert find_changes(base, project) == Changes(modified=(".gitignore",))


def test_links_and_folders_in_place_of_files(sides: tuple[Path, Path]) -> None:
    """They are changes, and nothing is read through them."""
    base, project = sides
    (project / "a.py").unlink()
    (project / "a.py").symlink_to("nowhere")
    (project / "app" / "b.py").unlink()
    (project / "app" / "b.py").mkdir()

    assert find_changes(base, project) == Changes(modified=("a.py", "app/b.py"))


def test_names_that_are_no_text(sides: tuple[Path, Path]) -> None:
    """A file's name may be any bytes."""
    base, project = sides
    name = os.fsdecode(b"\xff\n.py")
    (project / "a.py").rename(project / name)

    assert find_changes(base, project) == Changes(renamed=(Rename("a.py", name, by="you"),))


@pytest.mark.usefixtures("workplace")
def test_command_on_a_new_project() -> None:
    """A project that was just created has no changes and waits for nothing."""
    assert run("new", "bot", "--defaults").exit_code == 0

    shown, as_json = run("status", "bot", "--exit-code"), run("status", "bot", "--json")
    (Path("bot") / "app" / "own.py").write_text("own = 1\n", encoding="utf-8")
    with_own = run("status", "bot", "--json")

    assert shown.exit_code == 0, shown.output
    assert shown.stdout.endswith("No update is available.\n")
    assert json.loads(as_json.stdout)["changes"] == {
        "modified": [],
        "added": [],
        "deleted": [],
        "renamed": [],
    }
    assert json.loads(with_own.stdout)["changes"]["added"] == ["app/own.py"]


def test_command_with_exit_code(bot: Path) -> None:
    """A waiting update is exit status 1 only if that was asked for."""
    first = read_releases(REPOSITORY)[0]
    if not has_commit(REPOSITORY, str(first.commit)):
        pytest.skip(f"this clone lacks commit {first.commit} of release {first.version}")
    record(bot, first.version)

    result = run("status", str(bot))

    assert result.exit_code == 0, result.output
    assert run("status", str(bot), "--exit-code").exit_code == 1
    assert run("status", str(bot / "app"), "--exit-code").exit_code == 2
