"""Every version of our own template that this command can render."""

import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from chatkit_scaffold import __version__
from chatkit_scaffold.errors import TemplateError, ToolError
from chatkit_scaffold.generator import git, kept
from chatkit_scaffold.generator.releases import Release, read_releases
from chatkit_scaffold.text import listed, shown

BUNDLE = "template.bundle"
PARTS = ("copier.yml", "template")
"""What a version of the template consists of."""

# `git describe` and a release's number, perhaps with a `v` in front.
_DESCRIBED = re.compile(r"v?\d+(?:\.\d+)+-\d+-g([0-9a-f]{4,64})")
# Python refuses to read numbers of more than 4,300 digits.
_NUMBER = re.compile(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})+)(?:-([0-9]{1,9})-g[0-9a-f]+)?")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class State:
    """Where git has one version of the template.

    Attributes:
        repository: A repository, or a bare one.
        tree: A commit, a tag or a tree in it.
    """

    repository: Path
    tree: str


@dataclass(slots=True)
class History:
    """The versions of the template.

    Attributes:
        releases: The releases, the one being prepared included, oldest first.
        states: Where each version is, oldest first.
        draft: Whether the newest version has uncommitted changes.
        repository: Where the states are that are not listed.
        work: A folder for temporary files.
    """

    releases: tuple[Release, ...]
    states: dict[str, State]
    draft: bool
    repository: Path
    work: Path
    _folders: dict[str, Path] = field(default_factory=dict)

    @property
    def newest(self) -> str:
        """The newest version."""
        return list(self.states)[-1]

    def resolve(self, recorded: str) -> str:
        """Return the version that a project records as a version, a tag or a commit.

        Raises:
            TemplateError: This command does not have it.
        """
        if (number := recorded.removeprefix("v")) in self.states:
            return number
        name = _name(recorded)
        for release in self.releases:
            known = release.commit if release.version in self.states else None
            if known and _COMMIT.fullmatch(name) and known.startswith(name):
                return release.version
        for repository in self._repositories() if name else ():
            if version := self._found(repository, recorded, name):
                return version
        if lacking := self._missing(number, name):
            raise TemplateError(
                f"{self.repository} lacks commit {lacking.commit} of release {lacking.version}",
                hint="In a shallow clone, fetch all of it: git fetch --unshallow",
            )
        raise self._unknown(recorded) if name else self._no_version(recorded)

    @contextmanager
    def folder(self, version: str) -> Iterator[Path]:
        """Yield a folder with the `copier.yml` and the `template/` of a version.

        Raises:
            TemplateError: git cannot read it.
        """
        if version not in self._folders:
            folder = self.work / f"template-{len(self._folders)}"
            folder.mkdir()
            self._extract(self.states[version], folder)
            self._folders[version] = folder
        yield self._folders[version]

    def release(self, version: str) -> Release | None:
        """Return the release with a number, or None."""
        return next((item for item in self.releases if item.version == version), None)

    def _no_version(self, recorded: str) -> TemplateError:
        return TemplateError(
            f"{shown(recorded)} is not a version of the template",
            hint=f"Its versions are {listed(list(self.states), 'and')}.",
        )

    def _unknown(self, recorded: str) -> TemplateError:
        if order(recorded) > order(self.newest):
            return too_new(recorded)
        return TemplateError(
            f"chatkit-scaffold {__version__} does not have version {recorded} of the template",
            hint="Between two releases, only a checkout of chatkit-scaffold that has the commit, "
            "or the computer that the project was created on, can update it.",
        )

    def _missing(self, number: str, name: str) -> Release | None:
        """Return the release with a number or commit, if git lacks its commit."""
        for release in self.releases:
            if commit := release.commit:
                hashed = _COMMIT.fullmatch(name) and commit.startswith(name)
                if release.version == number or hashed:
                    return release
        return None

    def _extract(self, state: State, folder: Path) -> None:
        try:
            archive = git.read(
                state.repository, "archive", state.tree, *PARTS, environment=self._objects()
            )
        except ToolError as error:
            raise TemplateError(
                f"The template's history in {state.repository} is incomplete: {error}",
                hint="In a shallow clone: git fetch --unshallow. Otherwise, "
                "reinstall chatkit-scaffold.",
            ) from error
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")

    def _objects(self) -> dict[str, str]:
        """Return where git finds the tree of uncommitted changes."""
        objects = self.work / "objects"
        if not objects.is_dir():
            return {}
        return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": git.as_alternate(objects)}

    def _repositories(self) -> Iterator[Path]:
        """Yield the repositories that may have a version: our own, then the kept bundles."""
        yield self.repository
        with suppress(RuntimeError):  # there is no home folder
            for number, bundle in enumerate(reversed(kept.bundles())):
                clone = self.work / f"kept-{number}.git"
                with suppress(ToolError):  # it is damaged
                    git.read(self.work, "clone", "--quiet", "--bare", str(bundle), str(clone))
                    yield clone

    def _found(self, repository: Path, recorded: str, name: str) -> str | None:
        """Return the version of a commit or tag if a repository has it, and remember its place."""
        try:
            commit = _line(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            same = _parts(repository, commit)
        except ToolError:
            return None
        for version, state in self.states.items():
            with suppress(ToolError):
                if _parts(state.repository, state.tree) == same:
                    return version
        version = recorded
        if not _NUMBER.fullmatch(recorded):
            version = describe(repository, commit, self.releases)
        self.states = {version: State(repository, commit), **self.states}
        return version


@contextmanager
def open_history(root: Path) -> Iterator[History]:
    """Yield the history of the template in a folder, which is a checkout or the packed template.

    Raises:
        TemplateError: A file of a release is not valid, or there is no commit to record.
        ToolError: git is not installed, or does not read a checkout of another user.
    """
    git.require_git()
    releases = read_releases(root)
    with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        opened = _packed if (root / BUNDLE).is_file() else _checkout
        yield opened(root, releases, Path(folder))


def too_new(version: str) -> TemplateError:
    """Return the error about a version that only a newer command can update."""
    return TemplateError(
        f"Version {version} is newer than this chatkit-scaffold {__version__}",
        hint="Upgrade with: uv tool upgrade chatkit-scaffold",
    )


def describe(repository: Path, commit: str, releases: tuple[Release, ...]) -> str:
    """Return the version of a commit, in the form of `git describe`, without need of its tags."""
    short = _line(repository, "rev-parse", "--short=7", commit)
    for release in reversed(releases):
        if release.commit and _is_ancestor(repository, release.commit, commit):
            count = _line(repository, "rev-list", "--count", f"{release.commit}..{commit}")
            return f"{release.version}-{count}-g{short}"
    return f"0.0.0-{_line(repository, 'rev-list', '--count', commit)}-g{short}"


def order(version: str) -> tuple[tuple[int, ...], int]:
    """Return what versions are sorted by: the release's number, then the commits after it."""
    found = _NUMBER.fullmatch(version)
    if found is None:
        return (), 0
    return tuple(int(part) for part in found[1].split(".")), int(found[2] or 0)


def _packed(root: Path, releases: tuple[Release, ...], work: Path) -> History:
    clone = work / "template.git"
    git.read(work, "clone", "--quiet", "--bare", str(root / BUNDLE), str(clone))
    tags = _line(clone, "for-each-ref", "--format=%(refname:short)", "refs/tags").split()
    states = {tag: State(clone, tag) for tag in sorted(tags, key=order)}
    version = _line(clone, "describe", "--tags", "--abbrev=7", "HEAD")
    states.setdefault(version, State(clone, "HEAD"))
    return History(releases, states, draft=False, repository=clone, work=work)


def _checkout(root: Path, releases: tuple[Release, ...], work: Path) -> History:
    git.refuse_untrusted(root)
    if not git.is_repository_root(root) or not git.has_commit(root):
        raise TemplateError(
            f"The template in {root} has no commit for a project to record",
            hint="Commit it, or install chatkit-scaffold from a wheel.",
        )
    released = [item for item in releases if item.commit and has_commit(root, item.commit)]
    states = {item.version: State(root, item.commit) for item in released if item.commit}
    draft = bool(_line(root, "status", "--porcelain", "--", *PARTS))
    tree = _uncommitted(root, work / "objects") if draft else "HEAD"
    last = released[-1].commit if released else None
    if draft or last is None or _parts(root, last) != _parts(root, "HEAD"):
        states[describe(root, "HEAD", releases)] = State(root, tree)
    return History(releases, states, draft=draft, repository=root, work=work)


def _name(recorded: str) -> str:
    """Return what git may know a version by; nothing if it is no version, tag or commit."""
    if described := _DESCRIBED.fullmatch(recorded):
        return described[1]
    return recorded if _COMMIT.fullmatch(recorded) or _NUMBER.fullmatch(recorded) else ""


def _uncommitted(root: Path, objects: Path) -> str:
    """Write the tree of the files as they are, and return its id; new objects go to a folder."""
    objects.mkdir()
    index = objects.parent / "index"
    known = _line(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    environment = {
        "GIT_INDEX_FILE": str(index),
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": git.as_alternate(Path(known)),
    }
    git.read(root, "read-tree", "HEAD", environment=environment)
    git.read(root, "add", "--all", "--", *PARTS, environment=environment)
    return _line(root, "write-tree", environment=environment)


def has_commit(repository: Path, commit: str) -> bool:
    """Return whether a repository has a commit; a shallow clone lacks most."""
    try:
        git.read(repository, "cat-file", "-e", f"{commit}^{{commit}}")
    except ToolError:
        return False
    return True


def _parts(repository: Path, tree: str) -> str:
    """Return the object ids of the parts of a version; equal ids are equal templates."""
    return _line(repository, "rev-parse", *(f"{tree}:{part}" for part in PARTS))


def _is_ancestor(repository: Path, old: str, new: str) -> bool:
    try:
        git.read(repository, "merge-base", "--is-ancestor", old, new)
    except ToolError:
        return False
    return True


def _line(repository: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    return (
        git.read(repository, *arguments, environment=environment or {})
        .decode("utf-8", "replace")
        .strip()
    )
