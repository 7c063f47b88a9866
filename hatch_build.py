"""Adds the template to the wheel: as files to read, and as a git bundle to create projects from.

A project records the commit of the template it was made from, and an update needs that commit
again. So the wheel contains the whole history, and works offline.
"""

import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKED = Path("chatkit_scaffold", "_template")


class TemplateHook(BuildHookInterface[Any]):
    """Packs HEAD of the checkout; a source archive already contains the packed template."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add `_template` to the build, except to an editable install, which reads the checkout."""
        root = Path(self.root)
        if version == "editable" or (root / PACKED).is_dir():
            return
        self._packed = root / "build" / "template"
        pack(root, self._packed)
        build_data["force_include"][str(self._packed)] = str(PACKED)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the packed template."""
        del version, build_data, artifact_path
        shutil.rmtree(Path(self.root) / "build" / "template", ignore_errors=True)


def pack(root: Path, target: Path) -> None:
    """Write `copier.yml`, `template/` and `template.bundle` of the checkout's HEAD to *target*.

    Raises:
        RuntimeError: *root* is not a checkout with its whole history.
    """
    if not (root / ".git").exists():
        raise RuntimeError(f"{root} is neither a git checkout nor a source archive")
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise RuntimeError(f"{root} is a shallow clone; fetch all of it: git fetch --unshallow")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    # Both come from HEAD, so `options` lists exactly what `new` can create.
    archive = _git(root, "archive", "--format=zip", "HEAD", "copier.yml", "template")
    with zipfile.ZipFile(BytesIO(archive)) as files:
        files.extractall(target)
    _git(root, "bundle", "create", "--quiet", str(target / "template.bundle"), "HEAD", "--tags")


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout
