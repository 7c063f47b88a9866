"""Where the template comes from: the user's own, our checkout, or the installed wheel."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator import git, kept
from chatkit_scaffold.generator.history import BUNDLE, History, describe, open_history

_PACKAGE = Path(__file__).resolve().parent.parent
_PACKED = _PACKAGE / "_template"

_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|git@|gh:|gl:|[\w.-]+@[\w.-]+:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a project records about the template it was made from.

    Attributes:
        location: The address, from which `copier update` reads.
        version: The version.
        problem: Why plain `copier update` will not find it; None if it will.
    """

    location: str
    version: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Copier reads it.

    Attributes:
        location: A folder, a git bundle or an address.
        ref: The version to check out; None for Copier's choice.
        recorded: What to record in place of what Copier records.
        draft: Whether it has uncommitted changes.
        is_folder: Whether it is a folder without git.
    """

    location: str
    ref: str | None
    recorded: Recorded | None = None
    draft: bool = False
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A template of the user's, which Copier can read now and when the project is updated.

    Attributes:
        location: The address that the project records.
        ref: The version to use; None for the newest.
    """

    location: str
    ref: str | None
    builtin = False

    @contextmanager
    def opened(self) -> Iterator[Template]:
        """Yield the template."""
        yield Template(self.location, self.ref)


@dataclass(frozen=True, slots=True)
class Builtin:
    """Our own template, as it comes with this command.

    Attributes:
        location: The folder that it comes in.
        ref: The version to use; None for the newest.
    """

    location: str
    ref: str | None
    builtin = True

    @contextmanager
    def opened(self) -> Iterator[Template]:
        """Yield the template.

        Raises:
            TemplateError: It does not have the version.
        """
        root = Path(self.location)
        with open_history(root) as history:
            version = history.resolve(self.ref) if self.ref else history.newest
            with history.folder(version) as folder:
                draft = history.draft and version == history.newest
                recorded = record(root, history, version)
                yield Template(str(folder), None, recorded, draft, is_folder=True)


def builtin_root() -> Path:
    """Return the folder that contains our own `copier.yml` and `template/`.

    Raises:
        TemplateError: The installation is incomplete.
    """
    for folder in (_PACKED, _PACKAGE.parent):
        if (folder / "copier.yml").is_file():
            return folder
    raise TemplateError(
        f"The installation in {_PACKAGE} has no template", hint="Reinstall chatkit-scaffold."
    )


def choose(template: str | None, ref: str | None) -> Source | Builtin:
    """Return the template to use.

    Args:
        template: A folder, a git bundle, an address for git, or None for our own template.
        ref: A tag, branch or commit of it.

    Raises:
        TemplateError: It does not exist, or projects made from it could not be updated.
        ToolError: git is not installed, or does not read a template of another user.
    """
    git.require_git()
    if template is None:
        root = builtin_root()
        if root != _PACKED:
            git.refuse_untrusted(root)
        return Builtin(str(root), ref)
    if _URL.match(template):
        _refuse_password(template)
        return Source(template, ref)
    return Source(_local_location(template), ref)


def record(root: Path, history: History, version: str) -> Recorded:
    """Return what a project of a version of our own template records.

    The address of the template, if the package has one and the version is a release; else the
    bundle in the home folder, which is stored now; for a checkout, the checkout.
    """
    released = history.release(version)
    commit = released.commit if released else None
    if commit and (address := _published()):
        return Recorded(address, version)
    bundle = root / BUNDLE
    if not bundle.is_file():
        # A checkout may lack the release's tag, but git finds the commit that this form ends with.
        return Recorded(str(root), describe(root, commit, history.releases) if commit else version)
    reason = kept.keep(bundle, history.newest)
    problem = reason and (
        "the template cannot be stored in the home folder, where copier update looks for it "
        f"({reason}); chatkit-scaffold update needs no copy there"
    )
    return Recorded(kept.location(history.newest), version, problem)


def refresh_kept() -> None:
    """Give the kept bundles of earlier commands the versions of this one, as far as possible."""
    if (bundle := _PACKED / BUNDLE).is_file():
        # A command must not fail because of a folder that it does not need.
        with suppress(OSError, RuntimeError):
            kept.refresh(bundle)


def _published() -> str | None:
    """Return the HTTPS address of the template in the package's metadata, if there is one."""
    try:
        entries = metadata.metadata("chatkit-scaffold").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return None
    for label, _, address in (entry.partition(", ") for entry in entries):
        if label.lower() == "template" and address.startswith("https://"):
            return str(address)
    return None


def _local_location(template: str) -> str:
    path = Path(template).expanduser().absolute()
    if path.is_dir():
        git.refuse_untrusted(path)
    if path.is_dir() and not git.is_repository_root(path):
        raise TemplateError(
            f"The template {path} is not a git repository, so projects could not be updated",
            hint=f"Make it one: cd {path} && git init && git add . && git commit -m template",
        )
    if not path.exists():
        raise TemplateError(
            f"The template {path} does not exist",
            hint="Pass a git folder, a git bundle, or an address such as gh:owner/name.",
        )
    return template if template.startswith("~") else str(path)


def _refuse_password(template: str) -> None:
    parts = urlsplit(template)
    if parts.password:
        shown = template.replace(parts.password, "***")
        raise TemplateError(
            f"The template's address {shown} contains a password, which projects would record",
            hint="Leave out the password and use git's credential helper.",
        )
