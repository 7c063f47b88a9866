"""Packs the template for the wheel: as files to read, and as a git bundle of every release.

The bundle has one commit per release, which contains the template alone, and one tag for each. It
is made from the files in `releases/`, so it does not depend on the tags of the checkout, and the
same release has the same commit in every wheel.
"""

import shutil
import tarfile
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator import git
from chatkit_scaffold.generator.history import BUNDLE, PARTS, has_commit
from chatkit_scaffold.generator.releases import Release, read_releases

_NOBODY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "chatkit-scaffold"), ("EMAIL", "chatkit-scaffold@localhost"))
}


def pack(root: Path, target: Path) -> None:
    """Write the template of the checkout's HEAD, its releases and their bundle to *target*.

    Raises:
        TemplateError: *root* is not a checkout that has the commit of every release.
        ToolError: git failed.
    """
    if not (root / ".git").exists():
        raise TemplateError(f"{root} is neither a git checkout nor a source archive")
    releases = read_releases(root)
    for release in releases:
        if release.commit and not has_commit(root, release.commit):
            raise TemplateError(
                f"{root} lacks commit {release.commit} of release {release.version}",
                hint="In a shallow clone, fetch all of it: git fetch --unshallow",
            )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    # Everything comes from HEAD, so `options` lists exactly what `new` can create.
    archive = git.read(root, "archive", "HEAD", *PARTS, "releases")
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(target, filter="data")
    _bundle(root, releases, target / BUNDLE)


def _bundle(root: Path, releases: tuple[Release, ...], bundle: Path) -> None:
    with TemporaryDirectory() as folder:
        repository = Path(folder)
        git.read(repository, "init", "--quiet", "--bare", "--initial-branch=main")
        objects = _line(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        (repository / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        last, tree, day = "", "", date(2026, 1, 1)
        for release in releases:
            if release.commit:
                tree, day = _tree(repository, release.commit), release.date or day
                last = _commit(repository, tree, last, release.version, day)
                git.read(repository, "update-ref", f"refs/tags/{release.version}", last)
        newest = _tree(repository, _line(root, "rev-parse", "HEAD"))
        if newest != tree:
            last = _commit(repository, newest, last, "after the last release", day)
        git.read(repository, "update-ref", "HEAD", last)
        git.read(repository, "bundle", "create", "--quiet", str(bundle), "HEAD", "--tags")


def _tree(repository: Path, commit: str) -> str:
    """Write the tree of a commit's template alone, and return its id."""
    entries = git.read(repository, "ls-tree", commit, *PARTS)
    return git.read(repository, "mktree", stdin=entries).decode().strip()


def _commit(repository: Path, tree: str, parent: str, title: str, day: date) -> str:
    """Write a commit that is the same wherever it is made, and return its id."""
    when = f"{day}T00:00:00+00:00"
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    parents = ("-p", parent) if parent else ()
    message = f"chatkit-scaffold {title}"
    return _line(
        repository, "commit-tree", tree, *parents, "-m", message, environment=_NOBODY | dates
    )


def _line(repository: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    return git.read(repository, *arguments, environment=environment or {}).decode().strip()
