"""A project to update by hand-made results, and everything that can change in its repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatkit_scaffold.update.outcome import Conflict, Merged, Stage
from chatkit_scaffold.update.project import Project, open_project
from chatkit_scaffold.update.repository import Repository
from tests.command import git, tree
from tests.update.three_sides import Content, make_repository, write_files

OLD: Mapping[str, Content] = {
    ".copier-answers.yml": "_commit: 0.2.0\n",
    ".gitignore": ".env\n*.log\n",
    "app/agent.py": "prompt = 'Help.'\n",
    "app/gone.py": "old = True\n",
    "app/kind.py": "a module\n",
    "app/own.py": "mine = True\n",
    "run.sh": "#!/bin/sh\n",
    "link": Path("README.md"),
    "README.md": "# Bot\r\n",
}
NEW: Mapping[str, Content] = {
    ".copier-answers.yml": "_commit: 0.3.0\n",
    ".gitignore": ".env\n*.log\n",
    "app/agent.py": "prompt = 'Help well.'\n",
    "app/deep/new file.py": "new = True\n",
    "app/kind.py/__init__.py": "a folder\n",
    "app/own.py": "mine = True\n",
    "run.sh": "#!/bin/sh\nexec app\n",
    "link": Path("app/own.py"),
    "README.md": "# Bot\r\n\r\nMore.\r\n",
    "ü\n-odd": b"\x00\xff",
}
MARKERS = "<<<<<<< yours\nprompt = 'Help.'\n=======\nprompt = 'Help well.'\n>>>>>>> 0.3.0\n"


@dataclass(frozen=True, slots=True)
class State:
    """Everything of a repository that a user could miss."""

    files: object
    entries: str
    changes: str
    references: str
    head: str
    message: str | None

    @classmethod
    def of(cls, root: Path) -> "State":
        """Return the state of the repository in *root*."""
        folder = Path(git(root, "rev-parse", "--absolute-git-dir"))
        assert not (folder / "index.lock").exists()
        message = folder / "MERGE_MSG"
        return cls(
            files=(tree(root), links(root)),
            entries=git(root, "ls-files", "--stage", "-z"),
            changes=git(root, "status", "--porcelain", "--ignored", "--untracked-files=all"),
            references=git(root, "for-each-ref"),
            head=(folder / "HEAD").read_text(),
            message=message.read_text() if message.exists() else None,
        )


def links(root: Path) -> dict[Path, Path]:
    """Return where the symbolic links of a work tree lead."""
    found = (path for path in root.rglob("*") if path.is_symlink())
    return {path.relative_to(root): path.readlink() for path in found}


def make(root: Path, prefix: str = "") -> Project:
    """Commit a project, with a folder beside it that has changes if it is in a monorepo."""
    git(root.parent, "init", "--quiet", str(root))
    git(root, "config", "core.autocrlf", "false")
    make_repository(root, OLD, prefix=prefix)
    (root / prefix / "run.sh").chmod(0o755)
    if prefix:
        write_files(root, {"web/edited.js": "1\n", "web/gone.js": "", "services/z": ""})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=second")
    if prefix:
        write_files(root, {"web/edited.js": "2\n", "web/untracked.js": ""})
        (root / "web" / "gone.js").unlink()
    return open_project(str(root / prefix))


def stored(repository: Repository, folder: Path, files: Mapping[str, Content]) -> str:
    """Return the tree of *files*, whose `run.sh` is no longer executable."""
    write_files(folder, files)
    index = folder.parent / "index"
    # As if nothing of the repository was checked out sparsely.
    whole = {"core.sparseCheckout": "false"}
    repository.git("add", "--all", "--force", index=index, work_tree=folder, config=whole)
    return repository.git("write-tree", index=index)


def clean(opened: Project, folder: Path) -> Merged:
    """Return a result without conflicts."""
    return Merged(stored(opened.repository, folder / "new", NEW))


def in_conflict(opened: Project, folder: Path) -> Merged:
    """Return a result with two conflicts: a changed line, and a file that both sides added."""
    files = {**NEW, "app/agent.py": MARKERS, "app/both.py": MARKERS}
    store = opened.repository.git
    yours, theirs = (
        store("hash-object", "-w", "--stdin", text=text)
        for text in ("prompt = 'Help.'\n", "prompt = 'Help well.'\n")
    )
    return Merged(
        stored(opened.repository, folder / "new", files),
        stages=(
            Stage("100644", yours, 1, "app/agent.py"),
            Stage("100644", yours, 2, "app/agent.py"),
            Stage("100644", theirs, 3, "app/agent.py"),
            Stage("100644", theirs, 3, "app/both.py"),
        ),
        conflicts=(
            Conflict("app/agent.py", 1, "both changed these lines"),
            Conflict("app/both.py", 1, "both added this file"),
        ),
    )
