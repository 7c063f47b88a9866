"""The page of `play`: its modules, and the libraries that come with it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command import REPOSITORY
from tests.play.vendor import PACKAGES, VENDOR, published

PAGE = VENDOR.parent
MODULES = sorted(PAGE.glob("*.js"))
OWN_TESTS = sorted(Path(REPOSITORY, "tests", "play", "page").glob("*.test.mjs"))


@pytest.mark.parametrize("path", OWN_TESTS, ids=lambda path: path.name.split(".")[0])
def test_modules(path: Path) -> None:
    """The tests of the page's modules pass in Node.js."""
    if shutil.which("node") is None:
        pytest.fail("node was not found: these tests need Node.js 20 or newer", pytrace=False)
    done = subprocess.run(
        ["node", "--test", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
    # Without tests, `node --test` passes, too.
    assert re.search(r"^# pass [1-9]", done.stdout, flags=re.MULTILINE), done.stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_libraries_are_those_of_npm(name: str) -> None:
    """Each vendored file is what npm publishes, and the README names its version."""
    for file, content in published(name).items():
        assert (VENDOR / file).read_bytes() == content, file
    row = f"| {name} | {PACKAGES[name]['version']} |"
    assert row in (VENDOR / "README.md").read_text(encoding="utf-8")


def test_every_vendored_file_has_an_origin() -> None:
    """Each file belongs to a package, and each package has a licence."""
    files = [set(package["files"].values()) for package in PACKAGES.values()]
    assert all(f"LICENSE.{name}" in own for name, own in zip(PACKAGES, files, strict=True))
    described = {"README.md", "vendored.json"}.union(*files)
    assert {path.name for path in VENDOR.iterdir()} == described


def test_imports_lead_to_files() -> None:
    """Browsers resolve every import: there is no import map and no build step."""
    imported = [
        (path, name)
        for path in [*MODULES, *VENDOR.glob("*.js")]
        for name in re.findall(
            r"""^(?:import|export)[^;()='"]*from\s*['"]([^'"]+)['"]""",
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    ]
    assert len(imported) > len(MODULES)
    assert [pair for pair in imported if not (pair[0].parent / pair[1]).is_file()] == []


def test_page_needs_nothing_that_its_policy_forbids() -> None:
    """The page has no inline script and no inline style, and loads only what is beside it."""
    html = (PAGE / "index.html").read_text(encoding="utf-8")

    assert re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html) is None
    sources = re.findall(r'(?:src|href)="([^"?]+)"', html)
    assert sources
    assert [source for source in sources if not (PAGE.parent / source).is_file()] == []
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    icons = re.findall(r'url\("([^"]+)"\)', style)
    assert icons
    assert [icon for icon in icons if not (PAGE / icon).is_file()] == []


def test_page_is_small() -> None:
    """The page's own modules can be read in one sitting, and each of them is short."""
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert sum(lines.values()) <= 555
    assert max(lines.values()) <= 150
