"""Adds the template to the wheel, with every release of it, so that updates work offline."""

import shutil
import sys
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
        sys.path.insert(0, str(root))  # the package is not installed yet
        from chatkit_scaffold.generator.pack import pack

        self._packed = root / "build" / "template"
        pack(root, self._packed)
        build_data["force_include"][str(self._packed)] = str(PACKED)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the packed template."""
        del version, build_data, artifact_path
        shutil.rmtree(Path(self.root) / "build" / "template", ignore_errors=True)
