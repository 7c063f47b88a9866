"""Which projects an update accepts, and what it says about the others."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.update.project import Project, open_project
from tests.command import git, tree
from tests.update.three_sides import make_repository, write_files

FILES = {
    ".copier-answers.yml": "_commit: 0.2.0\n",
    ".gitignore": ".env\n__pycache__/\n",
    "app/agent.py": "prompt = 'Help.'\n",
    "app/store.py": "path = 'chat.db'\n",
    "README.md": "# Bot\n",
}
ADD_SUBMODULE = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose top is the project."""
    return make_repository(tmp_path / "bot", FILES).root


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    """A repository with the project in `services/bot`, and another folder."""
    make_repository(tmp_path / "all", FILES, prefix="services/bot")
    write_files(tmp_path / "all", {"web/index.js": "start()\n", "uv.lock": "shared\n"})
    git(tmp_path / "all", "add", "--all")
    git(tmp_path / "all", "commit", "--quiet", "--message=web")
    return tmp_path / "all"


def everything(folder: Path) -> object:
    """Return all files of a repository, git's own included."""
    return tree(folder), {
        path.relative_to(folder): path.read_bytes()
        for path in (folder / ".git").rglob("*")
        if path.is_file()
    }


def refusal(dest: Path | str | None, changed: Path | None = None) -> ScaffoldError:
    """Return the error with which a project is refused; nothing in *changed* may change."""
    before = everything(changed) if changed else None
    with pytest.raises(ScaffoldError) as raised:
        open_project(None if dest is None else str(dest))
    assert (everything(changed) if changed else None) == before
    assert raised.value.hint
    assert "\n" not in raised.value.message + raised.value.hint
    return raised.value


def conflict(root: Path) -> None:
    """Commit two changes of one line on two branches, `main` and `other`."""
    for branch, content in (("other", "theirs\n"), ("main", "ours\n")):
        git(root, "checkout", "--quiet", *(["-b", branch] if branch == "other" else [branch]))
        (root / "README.md").write_text(content)
        git(root, "commit", "--quiet", "--all", f"--message={branch}")


def attempt(folder: Path, *arguments: str) -> None:
    """Run a command of git that stops with a conflict."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode


def test_project_at_the_top(root: Path) -> None:
    """What an update needs to know about the project."""
    project = open_project(str(root))

    assert project == Project(
        root,
        project.repository,
        head=git(root, "rev-parse", "HEAD"),
        branch="main",
        tree=git(root, "rev-parse", "HEAD^{tree}"),
    )
    assert (project.repository.root, project.repository.prefix) == (root, "")


def test_project_in_a_monorepo(monorepo: Path) -> None:
    """The prefix is the project's folder, and the tree is that of the folder."""
    project = open_project(str(monorepo / "services" / "bot"))

    assert (project.repository.root, project.repository.prefix) == (monorepo, "services/bot")
    assert project.tree == git(monorepo, "rev-parse", "HEAD:services/bot")


@pytest.mark.parametrize("inside", ["", "app", ".git/hooks"])
def test_without_folder_the_project_around_is_meant(
    root: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    """As git does, `update` finds the project from a folder in it."""
    monkeypatch.chdir(root / inside)

    assert open_project(None).path == root


def test_search_ends_at_the_top_of_the_repository(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another repository in the project's folder is not the project; its hint names the project."""
    inner = root / "vendor"
    inner.mkdir()
    git(inner, "init", "--quiet")
    monkeypatch.chdir(inner)

    error = refusal(None)

    assert error.message == f"{inner} is not a project: it has no .copier-answers.yml"
    assert error.hint == f"Pass the project's folder: {root}"


def test_given_folder_is_meant_exactly(root: Path) -> None:
    """A typo in DEST does not update a project around it; the hint names that."""
    error = refusal(root / "app")

    assert error.message == f"{root / 'app'} is not a project: it has no .copier-answers.yml"
    assert error.hint == f"Pass the project's folder: {root}"


@pytest.mark.parametrize(
    ("dest", "message"),
    [
        ("missing", "There is no folder missing"),
        ("", "There is no folder ''"),
        ("file", "There is no folder file"),
        ("n" * 300, "cannot be read: File name too long"),
        ("nul\0", "cannot be read: embedded null byte"),
        ("circle", "cannot be read: Symlink loop from"),
    ],
    ids=["missing", "empty", "file", "long", "null", "circle"],
)
@pytest.mark.usefixtures("workplace")
def test_no_such_folder(dest: str, message: str) -> None:
    """Whatever is no folder is one sentence."""
    Path("file").touch()
    Path("circle").symlink_to("circle")

    assert message in refusal(dest).message


def test_working_directory_that_is_gone(workplace: Path) -> None:
    """Another terminal has deleted it."""
    workplace.rmdir()

    assert refusal(None).message == "The working directory no longer exists"


def test_symbolic_link_to_the_project(monorepo: Path, tmp_path: Path) -> None:
    """The link is followed, as its repository is where it leads."""
    link = tmp_path / "link"
    link.symlink_to(monorepo / "services" / "bot")

    assert open_project(str(link)).path == monorepo / "services" / "bot"


def test_git_is_not_installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence is that of `new`."""
    monkeypatch.setenv("PATH", str(root / "app"))

    assert refusal(root).message.startswith("git is not installed")


def test_no_repository(workplace: Path) -> None:
    """The hint makes it one, and works."""
    project = write_files(workplace / "my bot", FILES)

    error = refusal(project)

    assert (
        error.message == f"{project} is not in a git repository, so an update could not be undone"
    )
    assert error.hint.startswith("Make it one: ")
    follow(error)
    assert open_project(str(project)).branch


def follow(error: ScaffoldError) -> None:
    """Run the command of a hint, as a user does."""
    command = error.hint.partition(": ")[2]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)


def test_repository_that_git_cannot_read(root: Path) -> None:
    """A submodule whose repository was moved away is not *no repository*; git's reason is shown."""
    shutil.move(root / ".git", root.parent / "moved")
    (root / ".git").write_text("gitdir: ../gone\n")

    assert "not a git repository: " in refusal(root).message


def test_no_commit_yet(workplace: Path) -> None:
    """The hint makes one."""
    project = write_files(workplace / "bot", FILES)
    git(project, "init", "--quiet")

    error = refusal(project, project)

    assert "has no commit yet" in error.message
    follow(error)
    assert open_project(str(project)).head


def test_bare_repository(root: Path) -> None:
    """There is no work tree to change; one that is linked to a bare repository is fine."""
    git(root, "config", "core.bare", "true")

    error = refusal(root, root)
    git(root, "worktree", "add", "--quiet", "../linked")

    assert error.message == f"The repository of {root} is bare: it has no work tree"
    assert open_project(str(root.parent / "linked")).branch == "linked"


def test_project_that_is_ignored(monorepo: Path) -> None:
    """What the update does could not be seen."""
    ignored = write_files(monorepo / "web" / "bot", FILES)
    (monorepo / ".gitignore").write_text("web/bot\n")

    error = refusal(ignored, monorepo)

    assert error.message == f"{ignored} is ignored by git, so an update could not be undone"
    follow(error)
    assert open_project(str(ignored)).repository.prefix == "web/bot"


def test_project_that_is_not_committed(monorepo: Path) -> None:
    """The same, with a project that was never added."""
    new = write_files(monorepo / "web" / "bot", FILES)

    error = refusal(new, monorepo)

    assert error.message == f"{new} is not committed, so an update could not be undone"
    follow(error)
    assert open_project(str(new)).repository.prefix == "web/bot"


def stage(root: Path) -> None:
    """Stage a change."""
    (root / "README.md").write_text("# Mine\n")
    git(root, "add", "README.md")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda root: (root / "README.md").write_text("# Mine\n"), "README.md"),
        (stage, "README.md"),
        (lambda root: (root / "README.md").unlink(), "README.md"),
        (lambda root: git(root, "rm", "--quiet", "README.md"), "README.md"),
        (lambda root: git(root, "mv", "app/store.py", "app/db.py"), "app/db.py and app/store.py"),
        (lambda root: (root / "README.md").chmod(0o755), "README.md"),
        (lambda root: write_files(root, {"app/tool s/ü.py": ""}), "app/tool s/ü.py"),
        (lambda root: write_files(root, {"a\nb": ""}), "a\\nb"),
        (lambda root: write_files(root, {"app/uv.lock": ""}), "app/uv.lock"),
        (
            lambda root: write_files(root, {f"{number}.txt": "" for number in range(9)}),
            "0.txt, 1.txt, 2.txt and 6 more",
        ),
    ],
    ids=[
        *("edited", "staged", "deleted", "removed", "moved", "mode", "untracked", "odd-name"),
        *("other-lock", "many"),
    ],
)
@pytest.mark.parametrize("where", ["root", "monorepo"])
def test_project_with_changes(
    request: pytest.FixtureRequest, where: str, change: Callable[[Path], object], names: str
) -> None:
    """Whatever is not committed below the project's folder is named."""
    top: Path = request.getfixturevalue(where)
    folder = top if where == "root" else top / "services" / "bot"
    change(folder)

    error = refusal(folder, top)

    assert error.message == f"{folder} has uncommitted changes: {names}"


def test_what_is_no_obstacle(root: Path) -> None:
    """An untracked lock and ignored files stay out of it, whatever the user's settings hide."""
    write_files(root, {"uv.lock": "mine\n", ".env": "KEY=1\n", "app/__pycache__/agent.pyc": "x"})
    git(root, "config", "status.showUntrackedFiles", "no")

    assert open_project(str(root)).path == root

    write_files(root, {"notes.txt": ""})
    assert "notes.txt" in refusal(root).message


def test_tracked_lock_with_changes_is_refused(root: Path) -> None:
    """The update might renew it, so that the user's change would get lost."""
    write_files(root, {"uv.lock": "old\n"})
    git(root, "add", "uv.lock")
    git(root, "commit", "--quiet", "--message=lock")
    (root / "uv.lock").write_text("mine\n")

    assert "uv.lock" in refusal(root).message


def test_other_folders_may_be_dirty(monorepo: Path) -> None:
    """Only the project's folder has to be clean."""
    (monorepo / "web" / "index.js").write_text("stop()\n")
    write_files(monorepo, {"services/bot2/new.py": "", "web/staged.js": ""})
    git(monorepo, "add", "web/staged.js")

    assert open_project(str(monorepo / "services" / "bot")).repository.prefix == "services/bot"


def merging(root: Path) -> None:
    """Stop a merge."""
    conflict(root)
    attempt(root, "merge", "other")


def rebasing(root: Path) -> None:
    """Stop a rebase."""
    conflict(root)
    attempt(root, "rebase", "other")


def picking(root: Path) -> None:
    """Stop a cherry-pick."""
    conflict(root)
    attempt(root, "cherry-pick", "other")


def picking_many(root: Path) -> None:
    """Stop a cherry-pick of two commits, and commit the first by hand."""
    conflict(root)
    git(root, "checkout", "--quiet", "other")
    git(root, "commit", "--quiet", "--allow-empty", "--message=second")
    git(root, "checkout", "--quiet", "main")
    attempt(root, "cherry-pick", "other~2..other")
    git(root, "commit", "--quiet", "--all", "--message=first")


def reverting(root: Path) -> None:
    """Stop a revert."""
    conflict(root)
    (root / "README.md").write_text("again\n")
    git(root, "commit", "--quiet", "--all", "--message=again")
    attempt(root, "revert", "HEAD~1")


def mailing(root: Path) -> None:
    """Stop the application of a patch."""
    conflict(root)
    patch = git(root, "format-patch", "--stdout", "main..other") + "\n"
    (root.parent / "patch").write_text(patch)
    attempt(root, "am", str(root.parent / "patch"))


def bisecting(root: Path) -> None:
    """Begin a bisect."""
    conflict(root)
    git(root, "bisect", "start", "main", "main~1")


@pytest.mark.parametrize(
    ("begin", "operation", "end"),
    [
        (merging, "merge", "git merge --abort"),
        (rebasing, "rebase", "git rebase --abort"),
        (picking, "cherry-pick", "git cherry-pick --abort"),
        (picking_many, "cherry-pick or revert", "git cherry-pick --quit"),
        (reverting, "revert", "git revert --abort"),
        (mailing, "git am", "git am --abort"),
        (bisecting, "bisect", "git bisect reset"),
    ],
)
def test_unfinished_operation(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    begin: Callable[[Path], None],
    operation: str,
    end: str,
) -> None:
    """It is named, with the command that ends it; then the project is accepted."""
    begin(root)

    error = refusal(root, root)

    assert error.message == f"{root} has an unfinished {operation}"
    assert error.hint == f"Finish it, or end it: {end}"
    monkeypatch.chdir(root)
    follow(error)
    assert open_project(str(root)).branch == "main"


def test_conflicts_without_operation(monorepo: Path) -> None:
    """A stash that does not fit leaves conflicts only; here in a folder beside the project."""
    (monorepo / "web" / "index.js").write_text("stash\n")
    git(monorepo, "stash", "--quiet")
    (monorepo / "web" / "index.js").write_text("commit\n")
    git(monorepo, "commit", "--quiet", "--all", "--message=more")
    attempt(monorepo, "stash", "pop")

    error = refusal(monorepo / "services" / "bot", monorepo)

    assert error.message == f"{monorepo} has unresolved conflicts: web/index.js"


def test_other_git_command_at_work(root: Path) -> None:
    """Its lock is in the way, or was left behind by one that was killed."""
    (root / ".git" / "index.lock").touch()

    assert refusal(root, root).message == f"Another git command is at work in {root}"


def test_repository_of_another_user(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files could run programs, so git does not read it until the user trusts it."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    error = refusal(root)

    assert error.message == f"git does not read {root}, which belongs to another user"
    assert error.hint.endswith(f"safe.directory {root}")


def test_submodule(root: Path, tmp_path: Path) -> None:
    """A submodule is a repository; what surrounds it does not matter."""
    around = make_repository(tmp_path / "around", {"README.md": ""}).root
    git(around, *ADD_SUBMODULE, str(root), "bot")

    project = open_project(str(around / "bot"))

    assert (project.repository.root, project.repository.prefix) == (around / "bot", "")


def test_project_around_a_submodule(root: Path, tmp_path: Path) -> None:
    """What has changed in a submodule is not the project's; which commit it is at, is."""
    library = make_repository(tmp_path / "library", {"README.md": "1\n"}).root
    git(
        root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib"
    )
    git(root, "commit", "--quiet", "--message=library")
    (root / "lib" / "README.md").write_text("2\n")

    assert open_project(str(root)).path == root

    git(root / "lib", "commit", "--quiet", "--all", "--message=2")
    assert refusal(root).message == f"{root} has uncommitted changes: lib"


def test_linked_work_tree(root: Path) -> None:
    """It has a HEAD and an index of its own; an unfinished merge elsewhere does not matter."""
    git(root, "worktree", "add", "--quiet", "../linked", "-b", "linked")
    merging(root)

    project = open_project(str(root.parent / "linked"))

    assert (project.branch, project.repository.root) == ("linked", root.parent / "linked")


def test_detached_head(root: Path) -> None:
    """There is no branch to come back to, but a commit."""
    git(root, "checkout", "--quiet", "--detach")

    assert open_project(str(root)).branch is None


@pytest.mark.parametrize("name", ["main", "heads/main", "ü"])
def test_tag_with_the_name_of_the_branch(root: Path, name: str) -> None:
    """The branch is named as `git switch` takes it; git's own short name is not that."""
    git(root, "switch", "--quiet", "-C", name)
    git(root, "tag", name)

    project = open_project(str(root))

    assert project.branch == name
    git(root, "switch", "--quiet", name)


def test_sparse_checkout(monorepo: Path) -> None:
    """Other folders need not be there; the project has to."""
    git(monorepo, "sparse-checkout", "set", "services/bot")
    assert not (monorepo / "web").exists()

    assert open_project(str(monorepo / "services" / "bot")).head

    git(monorepo, "sparse-checkout", "set", "web")
    assert "no folder" in refusal(monorepo / "services" / "bot").message


def test_shallow_clone(root: Path, tmp_path: Path) -> None:
    """The history is not needed."""
    (root / "README.md").write_text("second\n")
    git(root, "commit", "--quiet", "--all", "--message=second")
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "clone")

    assert open_project(str(tmp_path / "clone")).branch == "main"


def test_inside_a_hook(monorepo: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a hook of another repository do not mislead git."""
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(monorepo / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(monorepo))
    monkeypatch.setenv("GIT_INDEX_FILE", str(monorepo / ".git" / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(monorepo / ".git" / "objects"))

    assert open_project(str(root)).repository.root == root


def test_odd_names_of_folders(tmp_path: Path) -> None:
    """Signs that mean something to git's pathspecs or the shell mean nothing in a folder's name."""
    for name in ("a*b[c]", ":x", "-dash", "two\nlines", "ü ß", "$(x)"):
        root = make_repository(tmp_path / re.sub(r"\W", "_", name), FILES, prefix=f"p/{name}").root
        write_files(root, {"p/aXbc/untracked.txt": ""})

        assert open_project(str(root / "p" / name)).repository.prefix == f"p/{name}"
