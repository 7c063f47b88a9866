"""How a work tree gets the result of an update, and how it gets rid of it again."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.update import apply as switch_in_apply
from chatkit_scaffold.update.apply import apply, leave
from chatkit_scaffold.update.obstacles import checked_tree, free_branch
from chatkit_scaffold.update.outcome import Merged
from chatkit_scaffold.update.project import Project, open_project
from tests.command import git, tree
from tests.update.apply_once import BRANCH, MESSAGE
from tests.update.hand_made import NEW, OLD, State, clean, in_conflict, make
from tests.update.three_sides import Content, make_repository, write_files

ADD_SUBMODULE = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")

MakeResult = Callable[[Project, Path], Merged]


@pytest.fixture(params=["", "services/bot", "services/a*b [c] $x"], ids=["top", "below", "odd"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A committed project; in a monorepo, other folders have changes."""
    return make(tmp_path / "all", request.param)


@pytest.fixture
def simple(tmp_path: Path) -> Project:
    """A committed project at the top of its repository."""
    return make(tmp_path / "bot")


def run(opened: Project, command: str, folder: str = ".") -> None:
    """Run a printed command as the user does, in a folder of the project."""
    subprocess.run(["sh", "-c", command], cwd=opened.path / folder, check=True, capture_output=True)


def refused(opened: Project, merged: Merged, branch: str = BRANCH) -> ScaffoldError:
    """Return the error with which the result is refused, before anything changes."""
    before = State.of(opened.repository.root)
    with pytest.raises(ScaffoldError) as raised:
        apply(opened, merged, branch=branch, message=MESSAGE)
    assert State.of(opened.repository.root) == before
    return raised.value


def outside(project: Project) -> object:
    """Return the files and the changes of other folders."""
    root, below = project.repository.root, f"{project.repository.prefix}/"
    files = {path: file for path, file in tree(root).items() if not path.startswith(below)}
    status = project.repository.git("status", "--porcelain", "--no-renames", "-z")
    changes = sorted(change for change in status.split("\0") if below not in change)
    return (files, changes) if project.repository.prefix else None


def test_result_without_conflicts(opened: Project, tmp_path: Path) -> None:
    """The new branch has the result, and the way back restores every byte."""
    root = opened.repository.root
    before, beside = State.of(root), outside(opened)

    applied = apply(opened, clean(opened, tmp_path), branch=BRANCH, message=MESSAGE)

    head = git(root, "rev-parse", "HEAD")
    assert (applied.branch, applied.commit) == (BRANCH, head)
    assert git(root, "branch", "--show-current") == BRANCH
    assert git(root, "rev-parse", "HEAD~1") == git(root, "rev-parse", "main") == opened.head
    assert git(root, "log", "-1", "--format=%B") == MESSAGE.strip()
    assert (
        git(
            root,
            "status",
            "--porcelain",
            "--",
            "services/bot" if opened.repository.prefix else ".",
        )
        == ""
    )
    changed = git(root, "diff", "--name-only", "-z", "HEAD~1", "HEAD").split("\0")[:-1]
    below = f"{opened.repository.prefix}/".removeprefix("/")
    assert {path.removeprefix(below) for path in changed} == differences()
    assert tree(opened.path) == tree(tmp_path / "new")
    assert (opened.path / "link").readlink() == Path("app/own.py")
    assert outside(opened) == beside

    assert applied.way_back == "git switch main"
    run(opened, applied.way_back)
    git(root, "branch", "-D", BRANCH)
    assert State.of(root) == before


def differences() -> set[str]:
    """Return the paths that differ between the two sets of files, or in their mode."""
    paths = OLD.keys() | NEW.keys()
    return {path for path in paths if OLD.get(path) != NEW.get(path)}


def test_result_with_conflicts(opened: Project, tmp_path: Path) -> None:
    """The index has what `git mergetool` needs, and the way back restores every byte."""
    root, below = opened.repository.root, f"{opened.repository.prefix}/".removeprefix("/")
    before, beside = State.of(root), outside(opened)

    applied = apply(opened, in_conflict(opened, tmp_path), branch=BRANCH, message=MESSAGE)

    assert (applied.branch, applied.commit) == (BRANCH, None)
    assert git(root, "branch", "--show-current") == BRANCH
    assert git(root, "rev-parse", "HEAD", "main").split() == [opened.head] * 2
    assert tree(opened.path) == tree(tmp_path / "new")
    status = git(root, "status", "--porcelain", "-z", "--untracked-files=no").split("\0")
    assert {f"UU {below}app/agent.py", f"UA {below}app/both.py"} < set(status)
    assert f"A  {below}app/deep/new file.py" in status
    assert f"D  {below}app/gone.py" in status
    assert outside(opened) == beside

    (opened.path / "app" / "agent.py").write_text("half resolved\n")
    (opened.path / "app" / "own.py").write_text("edited meanwhile\n")
    assert applied.way_back
    run(opened, applied.way_back, "app")
    git(root, "branch", "-D", BRANCH)
    assert State.of(root) == before


def test_resolved_conflicts_are_committed(opened: Project, tmp_path: Path) -> None:
    """After `git add`, `git commit` makes the update's commit; the way back still works."""
    root = opened.repository.root
    before, beside = State.of(root), outside(opened)
    applied = apply(opened, in_conflict(opened, tmp_path), branch=BRANCH, message=MESSAGE)

    run(opened, "git checkout --theirs app/agent.py && git add app && GIT_EDITOR=true git commit")

    assert git(root, "log", "-1", "--format=%B") == MESSAGE.strip()
    assert git(root, "rev-parse", "HEAD~1") == opened.head
    assert git(opened.path, "status", "--porcelain", ".") == ""
    assert outside(opened) == beside
    assert applied.way_back
    run(opened, applied.way_back)
    git(root, "branch", "-D", BRANCH)
    assert State.of(root) == before


def test_mergetool_finds_the_conflicts(simple: Project, tmp_path: Path) -> None:
    """It passes all three versions of the file."""
    apply(simple, in_conflict(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    run(
        simple,
        "git -c mergetool.test.cmd='cat $BASE $LOCAL $REMOTE > $MERGED' "
        "-c mergetool.test.trustExitCode=true -c mergetool.keepBackup=false "
        "mergetool --tool=test --no-prompt app/agent.py",
    )

    found = (simple.path / "app" / "agent.py").read_text()
    assert found == "prompt = 'Help.'\n" * 2 + "prompt = 'Help well.'\n"


def test_detached_head(simple: Project, tmp_path: Path) -> None:
    """The way back names the commit, with and without conflicts."""
    root = simple.repository.root
    git(root, "checkout", "--quiet", "--detach")
    before = State.of(root)
    for number, make_result in enumerate((clean, in_conflict)):
        detached = open_project(str(root))
        applied = apply(
            detached, make_result(detached, tmp_path / str(number)), branch=BRANCH, message=MESSAGE
        )
        assert applied.way_back
        assert f"--detach {detached.head}" in applied.way_back

        run(simple, applied.way_back)
        git(root, "branch", "-D", BRANCH)
        assert State.of(root) == before


def test_linked_work_tree(simple: Project, tmp_path: Path) -> None:
    """The linked one is switched, its message lies where its `git commit` looks, main stays."""
    root = simple.repository.root
    git(root, "worktree", "add", "--quiet", "../linked", "-b", "linked")
    main = State.of(root).files
    linked = open_project(str(root.parent / "linked"))

    apply(linked, in_conflict(linked, tmp_path), branch=BRANCH, message=MESSAGE)

    assert State.of(linked.path).message == MESSAGE
    assert State.of(root).files == main
    assert git(root, "branch", "--show-current") == "main"


def test_submodule_and_filter_are_left_alone(simple: Project, tmp_path: Path) -> None:
    """What the update does not change is not touched, whatever git would do with it."""
    root = simple.repository.root
    library = make_repository(tmp_path / "library", {"README.md": "1\n"}).root
    git(root, *ADD_SUBMODULE, str(library), "lib")
    write_files(root, {".gitattributes": "*.bin filter=big\n", "model.bin": "a pointer\n"})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=library")
    for key, value in (
        ("filter.big.clean", "cat"),
        ("filter.big.smudge", "false"),
        ("filter.big.required", "true"),
        ("submodule.recurse", "true"),
    ):
        git(root, "config", key, value)
    (root / "lib" / "README.md").write_text("2\n")
    kept = {".gitattributes", ".gitmodules", "model.bin", "lib"}
    project = open_project(str(root))
    entries = git(root, "ls-tree", "-z", "HEAD").split("\0")
    new = clean(project, tmp_path).tree
    added = project.repository.git("ls-tree", "-z", new)
    own = [entry for entry in entries if entry.partition("\t")[2] in kept]
    whole = project.repository.git("mktree", "-z", text=added + "".join(f"{one}\0" for one in own))

    apply(project, Merged(whole), branch=BRANCH, message=MESSAGE)

    assert (root / "lib" / "README.md").read_text() == "2\n"
    assert git(root, "status", "--porcelain", "--ignore-submodules=dirty") == ""


def test_hooks_do_not_run(simple: Project, tmp_path: Path) -> None:
    """A hook may install, build or refuse; the update is not the time for it."""
    marker = tmp_path / "hook-ran"
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        hook = simple.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
        hook.chmod(0o755)

    apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert not marker.exists()


def test_commit_without_configured_author(
    simple: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CI nobody has a name, and a signature would ask for a key."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(simple.path, "config", "user.useConfigOnly", "true")
    git(simple.path, "config", "commit.gpgSign", "true")

    apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert git(simple.path, "log", "-1", "--format=%an %ae") == (
        "chatkit-scaffold chatkit-scaffold@localhost"
    )


def test_commit_has_the_configured_author(simple: Project, tmp_path: Path) -> None:
    """The commit is the user's."""
    git(simple.path, "config", "user.name", "Ada")

    apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert git(simple.path, "log", "-1", "--format=%an %cn") == "Ada Ada"


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"app/deep/new file.py": "mine\n"}, "app/deep/new file.py"),
        ({"app/deep": "a file, no folder\n"}, "app/deep"),
        ({"app/deep": Path("../elsewhere")}, "app/deep"),
        ({"app/deep/new file.py/mine.txt": "a folder\n"}, "app/deep/new file.py/mine.txt"),
        ({"app/deep/new file.py": Path("nowhere")}, "app/deep/new file.py"),
    ],
    ids=["file", "file-for-folder", "link-for-folder", "folder-for-file", "broken-link"],
)
def test_ignored_file_in_the_way(
    simple: Project, tmp_path: Path, found: Mapping[str, Content], named: str
) -> None:
    """By itself, git overwrites an ignored file without a word; an update does not."""
    (simple.path / ".git" / "info").mkdir(exist_ok=True)
    (simple.path / ".git" / "info" / "exclude").write_text("deep\n")
    write_files(simple.path, found)
    project = open_project(str(simple.path))

    error = refused(project, clean(project, tmp_path))

    assert error.message == (
        f"The update adds app/deep/new file.py, but {named} exists and is not tracked"
    )


def test_ignored_files_beside_new_ones(simple: Project, tmp_path: Path) -> None:
    """Caches in the same folders, and an untracked lock, are as they were."""
    mine = {"uv.lock": "mine\n", ".env": "KEY=1\n", "app/deep/x.log": "1\n", "app/x.log": "2\n"}
    write_files(simple.path, mine)

    apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert {name: (simple.path / name).read_text() for name in mine} == mine


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_hidden_changes(simple: Project, tmp_path: Path, flag: str) -> None:
    """The status does not show them, but an update would overwrite them."""
    git(simple.path, "update-index", f"--{flag}", "app/agent.py", "app/own.py")
    (simple.path / "app" / "own.py").write_text("the update does not change this file\n")
    project = open_project(str(simple.path))
    apply(project, clean(project, tmp_path / "1"), branch="first", message=MESSAGE)
    git(simple.path, "switch", "--quiet", "main")
    git(simple.path, "update-index", f"--{flag}", "app/agent.py")
    (simple.path / "app" / "agent.py").write_text("the update does\n")
    project = open_project(str(simple.path))

    error = refused(project, clean(project, tmp_path / "2"))

    assert error.message == "app/agent.py has changes that git was told to ignore"
    assert (simple.path / "app" / "own.py").read_text().startswith("the update does not")


def test_staged_changes_elsewhere(tmp_path: Path) -> None:
    """Without conflicts they stay staged; with conflicts the user's commit would include them."""
    project = make(tmp_path / "all", "services/bot")
    root = project.repository.root
    write_files(root, {"web/staged.js": "1\n"})
    git(root, "add", "--all", "web")
    before, beside = State.of(root), outside(project)

    error = refused(project, in_conflict(project, tmp_path / "1"))
    assert "what is staged elsewhere" in error.message

    applied = apply(project, clean(project, tmp_path / "2"), branch=BRANCH, message=MESSAGE)
    assert outside(project) == beside
    assert "web/" not in git(root, "diff", "--name-only", "HEAD~1", "HEAD")
    assert applied.way_back
    run(project, applied.way_back)
    git(root, "branch", "-D", BRANCH)
    assert State.of(root) == before


def test_sparse_checkout(tmp_path: Path) -> None:
    """Folders that are not checked out stay so, and stay in the commit."""
    project = make(tmp_path / "all", "services/bot")
    root = project.repository.root
    git(root, "reset", "--quiet", "--hard")
    (root / "web" / "untracked.js").unlink()
    git(root, "sparse-checkout", "set", "services/bot")

    apply(project, clean(project, tmp_path), branch=BRANCH, message=MESSAGE)

    assert not (root / "web").exists()
    assert "web/edited.js" in git(root, "ls-tree", "-r", "--name-only", "HEAD")
    assert tree(project.path) == tree(tmp_path / "new")


def test_repository_of_sha256(tmp_path: Path) -> None:
    """Ids are longer there."""
    root = make_repository(tmp_path / "bot", OLD, options=("--object-format=sha256",)).root
    project = open_project(str(root))

    apply(project, in_conflict(project, tmp_path), branch=BRANCH, message=MESSAGE)

    assert "UU app/agent.py" in git(root, "status", "--porcelain")


@pytest.mark.parametrize("make_result", [clean, in_conflict])
def test_copied_repository(simple: Project, tmp_path: Path, make_result: MakeResult) -> None:
    """In an image or a cache of CI, the index knows other times than the files have."""
    for path in simple.path.rglob("*.py"):
        os.utime(path, (1, 1))

    applied = apply(simple, make_result(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert applied.branch == BRANCH
    assert tree(simple.path) == tree(tmp_path / "new")


def test_head_that_has_moved(simple: Project, tmp_path: Path) -> None:
    """Somebody committed in another terminal while the update was prepared."""
    git(simple.path, "commit", "--quiet", "--allow-empty", "--message=meanwhile")

    assert "Another commit was checked out" in refused(simple, clean(simple, tmp_path)).message


def test_branch_in_the_way(simple: Project, tmp_path: Path) -> None:
    """A branch whose name is a part of the new one leaves no room for it."""
    git(simple.path, "branch", "chatkit-scaffold")

    error = refused(simple, clean(simple, tmp_path))

    assert error.message == "The branch chatkit-scaffold exists already"
    run(simple, error.hint.rpartition("delete it with ")[2].rstrip("."))
    apply(simple, clean(simple, tmp_path / "2"), branch=BRANCH, message=MESSAGE)


def test_unrelated_branches_are_no_obstacle(simple: Project, tmp_path: Path) -> None:
    """Nor are those of other versions."""
    for name in ("chatkit-scaffold/update-0.2.0", "chatkit", "update-0.3.0", f"{BRANCH}-1"):
        git(simple.path, "branch", name)

    assert apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE).commit


def test_name_of_the_branch(simple: Project, tmp_path: Path) -> None:
    """A branch with commits that HEAD lacks is kept; one that is merged is made anew."""
    root = simple.repository.root
    assert free_branch(simple, "0.3.0") == BRANCH
    apply(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)
    on_it = open_project(str(root))
    git(root, "switch", "--quiet", "main")
    assert free_branch(on_it, "0.3.0") == BRANCH

    assert free_branch(open_project(str(root)), "0.3.0") == f"{BRANCH}-2"

    git(root, "merge", "--quiet", BRANCH)
    merged = open_project(str(root))
    assert free_branch(merged, "0.3.0") == BRANCH
    applied = apply(merged, Merged(simple.tree), branch=BRANCH, message=MESSAGE)
    assert applied.commit == git(root, "rev-parse", BRANCH)


@pytest.mark.parametrize("make_result", [clean, in_conflict])
def test_two_updates_at_the_same_time(
    simple: Project, tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch that the other one has just made, and its files, stay as they are."""
    merged = make_result(simple, tmp_path)
    really, states = switch_in_apply.__dict__["_follow"], []

    def after_another(plan: Any) -> Any:
        monkeypatch.setattr(switch_in_apply, "_follow", really)
        apply(simple, clean(simple, tmp_path / "other"), branch=BRANCH, message="The other one")
        states.append(State.of(simple.path))
        return really(plan)

    monkeypatch.setattr(switch_in_apply, "_follow", after_another)
    with pytest.raises(ScaffoldError, match=r"already exists|exists now"):
        apply(simple, merged, branch=BRANCH, message=MESSAGE)

    assert states == [State.of(simple.path)]
    assert git(simple.path, "log", "-1", "--format=%s") == "The other one"


def test_leave(simple: Project, tmp_path: Path) -> None:
    """The branch is there to look at, and nothing else changes."""
    before = State.of(simple.path)

    left = leave(simple, clean(simple, tmp_path), branch=BRANCH, message=MESSAGE)

    assert left.way_back is None
    assert git(simple.path, "rev-parse", BRANCH) == left.commit
    git(simple.path, "branch", "-D", BRANCH)
    assert State.of(simple.path) == before


def test_quarantined_check(simple: Project, tmp_path: Path) -> None:
    """A dry run finds what is in the way, and writes no object."""
    (simple.path / ".git" / "info").mkdir(exist_ok=True)
    (simple.path / ".git" / "info" / "exclude").write_text("deep\n")
    objects = tree_of_objects(simple)
    with simple.repository.quarantined() as repository:
        dry = Project(simple.path, repository, simple.head, simple.branch, simple.tree)
        merged = clean(dry, tmp_path)
        assert checked_tree(dry, merged, BRANCH) == merged.tree
        write_files(simple.path, {"app/deep": "mine\n"})
        with pytest.raises(ScaffoldError, match="not tracked"):
            checked_tree(dry, merged, BRANCH)

    assert tree_of_objects(simple) == objects


@pytest.mark.parametrize("name", ["a:b", '"quoted"', '"a:b\\c"', ":", "plain"])
def test_quarantine_in_a_folder_with_an_odd_name(tmp_path: Path, name: str) -> None:
    """A colon separates folders where git looks for objects, so it needs quotes there."""
    project = make(tmp_path / name)
    with project.repository.quarantined() as repository:
        assert repository.git("cat-file", "-t", project.tree) == "tree"
        blob = repository.git("hash-object", "-w", "--stdin", text="new")
        assert repository.git("cat-file", "-p", blob) == "new"

    assert project.repository.git("cat-file", "-e", blob, ok=(0, 1, 128)) == ""
    assert blob not in "".join(map(str, tree_of_objects(project)))


def tree_of_objects(opened: Project) -> set[Path]:
    """Return all files of git."""
    return set((opened.path / ".git").rglob("*"))


def refuse_new_content(project: Project, folder: Path) -> None:
    """Let git fail to write the new `run.sh`, after it has written other files."""
    script = folder / "smudge.sh"
    script.write_text(f"cat > {folder}/content\n! grep -q exec {folder}/content || exit 1\n")
    with script.open("a") as file:
        file.write(f"cat {folder}/content\n")
    write_files(project.path / ".git" / "info", {"attributes": "run.sh filter=broken\n"})
    git(project.path, "config", "filter.broken.clean", "cat")
    git(project.path, "config", "filter.broken.smudge", f"sh {script}")
    git(project.path, "config", "filter.broken.required", "true")


@pytest.mark.parametrize("make_result", [clean, in_conflict])
@pytest.mark.parametrize("merged_before", [False, True], ids=["new", "anew"])
def test_failed_switch_is_undone(
    simple: Project, tmp_path: Path, make_result: MakeResult, *, merged_before: bool
) -> None:
    """A file that cannot be written, here because of its filter, leaves nothing half done."""
    merged = make_result(simple, tmp_path)
    refuse_new_content(simple, tmp_path)
    if merged_before:
        git(simple.path, "branch", BRANCH, "HEAD~1")
    before = State.of(simple.path)

    error = refused(simple, merged)

    assert error.message.startswith(f"git cannot switch to {BRANCH}: run.sh: smudge filter broken")
    assert error.hint == "Everything is as it was; fix the cause and try again."
    git(simple.path, "config", "filter.broken.required", "false")
    assert State.of(simple.path) == before
    assert apply(simple, merged, branch=BRANCH, message=MESSAGE).branch == BRANCH


@pytest.mark.parametrize("name", ["app/agent.py", "app/deep/new file.py"])
def test_file_written_at_the_last_moment(
    simple: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What an editor saves between the last look and the switch is neither lost nor undone."""
    popen = subprocess.Popen

    def save_first(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        write_files(simple.path, {name: "saved\n"})
        return popen(*arguments, **options)

    merged = clean(simple, tmp_path)
    monkeypatch.setattr("chatkit_scaffold.update.apply.subprocess.Popen", save_first)
    with pytest.raises(ScaffoldError) as raised:
        apply(simple, merged, branch=BRANCH, message=MESSAGE)

    assert name in raised.value.message
    monkeypatch.undo()
    assert (simple.path / name).read_text() == "saved\n"
    assert (
        git(simple.path, "status", "--porcelain", "--untracked-files=all").strip('"').endswith(name)
    )
    assert git(simple.path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
