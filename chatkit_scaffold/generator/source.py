"""Where the template comes from: the user's own, our checkout, or the installed wheel."""

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

# The same on every system, because projects record it and several people share a project.
_KEPT = "~/.local/share/chatkit-scaffold"

_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|git@|gh:|gl:|[\w.-]+@[\w.-]+:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A template that Copier can read now and when the project is updated.

    Attributes:
        location: The address that the project records.
        ref: The version to use; None for the newest.
        builtin: Whether it is our own template.
    """

    location: str
    ref: str | None
    builtin: bool


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


def choose(template: str | None, ref: str | None) -> Source:
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
        return Source(_builtin_location(), ref or "HEAD", builtin=True)
    if _URL.match(template):
        _refuse_password(template)
        return Source(template, ref, builtin=False)
    return Source(_local_location(template), ref, builtin=False)


def keep_bundle(bundle: Path) -> str:
    """Copy *bundle* to where projects look for it, and return that path, which begins with `~`.

    An existing copy is replaced atomically, and only if it differs.

    Raises:
        TemplateError: The home folder is not writable.
    """
    try:
        kept = Path(_KEPT).expanduser() / _BUNDLE
        if not (kept.is_file() and filecmp.cmp(bundle, kept, shallow=False)):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=kept.parent) as temporary:
                Path(shutil.copy(bundle, temporary)).replace(kept)
    except (OSError, RuntimeError) as error:
        raise TemplateError(
            f"The template cannot be stored in {_KEPT}: {error}",
            hint="Make your home folder writable, or pass a template with --template.",
        ) from error
    return f"{_KEPT}/{_BUNDLE}"


def _builtin_location() -> str:
    root = builtin_root()
    if root == _PACKED:
        return keep_bundle(_PACKED / _BUNDLE)
    git.refuse_untrusted(root)
    if not git.is_repository_root(root) or not git.has_commit(root):
        raise TemplateError(
            f"The template in {root} has no commit for a project to record",
            hint="Commit it, or install chatkit-scaffold from a wheel.",
        )
    return str(root)


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
