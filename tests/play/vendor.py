"""The libraries of `play`'s page, as npm has them; `python -m tests.play.vendor` writes them.

`vendored.json` has the version of each package, npm's integrity of it, and the files taken from it.
"""

import base64
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.command import REPOSITORY

VENDOR = REPOSITORY / "chatkit_scaffold" / "play" / "page" / "vendor"
PACKAGES: Mapping[str, Any] = json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8"))


def published(name: str) -> dict[str, bytes]:
    """Download a package, and return the files that the page uses, by their name in `vendor`.

    Raises:
        AssertionError: The download is not the one that `vendored.json` describes.
    """
    package = PACKAGES[name]
    archive = _download(f"{name}@{package['version']}")
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    assert package["integrity"] == f"sha512-{digest}", name
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            target: _content(files, f"package/{source}")
            for source, target in package["files"].items()
        }


def _download(specifier: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", specifier]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        (archive,) = Path(folder).iterdir()
        return archive.read_bytes()


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, name
    return file.read()


if __name__ == "__main__":
    for package_name in PACKAGES:
        for file_name, file_content in published(package_name).items():
            (VENDOR / file_name).write_bytes(file_content)
