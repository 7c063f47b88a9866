"""Where the template comes from: the user's own, the checkout we run from, or the wheel."""

import filecmp
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator import git

_PACKAGE = Path(__file__).resolve().parent.parent
_PACKED = _PACKAGE / "_template"
_BUNDLE = "template.bundle"

# The same on every system, because it is recorded in projects that several people share.
_KEPT = "~/.local/share/chatkit-scaffold"

_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|git@|gh:|gl:|[\w.-]+@[\w.-]+:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A template that Copier can read, now and when the project is updated.

    Attributes:
        location: What is recorded in the project.
        ref: The version to use; None for the newest one.
        builtin: Whether it is the template that came with this command.
    """

    location: str
    ref: str | None
    builtin: bool


def builtin_root() -> Path:
    """Return the folder with `copier.yml` and `template/` that this command came with.

    Raises:
        TemplateError: There is none: the package was not built but copied.
    """
    for folder in (_PACKED, _PACKAGE.parent):
        if (folder / "copier.yml").is_file():
            return folder
    raise TemplateError(
        f"There is no template in {_PACKAGE}", hint="Install chatkit-scaffold again from its wheel."
    )


def choose(template: str | None, ref: str | None) -> Source:
    """Return the template to use.

    Args:
        template: A folder, a git bundle, an address that git understands, or None for our own.
        ref: A tag, branch or commit of it.

    Raises:
        TemplateError: Projects made from it could not be updated, or it is not there.
        ToolError: There is no git to read it.
    """
    git.require_git()
    if template is None:
        return Source(_builtin_location(), ref or "HEAD", builtin=True)
    if _URL.match(template):
        _refuse_password(template)
        return Source(template, ref, builtin=False)
    return Source(_local_location(template), ref, builtin=False)


def keep_bundle(bundle: Path) -> str:
    """Copy *bundle* to where projects look for it, and return that place from the home folder.

    A copy that is there already is replaced, in one step, only if it differs.

    Raises:
        TemplateError: The home folder cannot be written.
    """
    try:
        kept = Path(_KEPT).expanduser() / _BUNDLE
        if not (kept.is_file() and filecmp.cmp(bundle, kept, shallow=False)):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as aside:
                Path(shutil.copy(bundle, aside)).replace(kept)
    except (OSError, RuntimeError) as error:
        raise TemplateError(
            f"The template cannot be kept in {_KEPT}: {error}",
            hint="Let your home folder be written to, or name a template with --template.",
        ) from error
    return f"{_KEPT}/{_BUNDLE}"


def _builtin_location() -> str:
    root = builtin_root()
    if root == _PACKED:
        return keep_bundle(_PACKED / _BUNDLE)
    if not git.is_repository_root(root) or not git.has_commit(root):
        raise TemplateError(
            f"The template in {root} has no commit that a project could record",
            hint="Commit it, or install chatkit-scaffold from its wheel.",
        )
    return str(root)


def _local_location(template: str) -> str:
    path = Path(template).expanduser().absolute()
    if path.is_dir() and not git.is_repository_root(path):
        raise TemplateError(
            f"The template {path} is not a git repository, so its projects could not be updated",
            hint=f"Make it one: cd {path} && git init && git add . && git commit -m template",
        )
    if not path.exists():
        raise TemplateError(
            f"There is no template at {path}",
            hint="Name a git folder, a git bundle, or an address such as gh:owner/name.",
        )
    return template if template.startswith("~") else str(path)


def _refuse_password(template: str) -> None:
    parts = urlsplit(template)
    if parts.password:
        shown = template.replace(parts.password, "***")
        raise TemplateError(
            f"The template's address {shown} holds a password, which every project would record",
            hint="Leave it out and let git's credential helper supply it.",
        )
