"""Where Chromium comes from: what the packed one needs, and what happens if there is none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.cdn import Cdn
from tests.browser.chromium import Chromium, packed
from tests.browser.conftest import launch

pytestmark = pytest.mark.xdist_group("chromium")

_GLIBC = re.compile(
    r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux-x86-64\.so\.2|linux-vdso\.so\.1"
)
"""What every Linux has; libgcc_s belongs to the C library's thread cancellation."""


@pytest.fixture(scope="module")
def the_packed() -> Chromium:
    """The Chromium that npm's package contains, whether there is another one or not."""
    return packed(Path(sys.prefix) / "chromium")


def test_packed_one_shows_a_page(playwright: Playwright, the_packed: Chromium, cdn: Cdn) -> None:
    """It starts, draws text, and runs the script in the place of ChatKit's."""
    with launch(playwright.chromium, the_packed, cdn) as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_content("<p>Good morning</p><openai-chatkit></openai-chatkit>")
        assert page.inner_text("p") == "Good morning"
        page.add_script_tag(url="https://cdn.platform.openai.com/deployments/chatkit/chatkit.js")
        assert page.evaluate("customElements.get('openai-chatkit').name") == "StandIn"


def test_packed_one_needs_no_library_of_the_system(the_packed: Chromium) -> None:
    """Everything that it is linked with comes with it, or is part of glibc."""
    environment = {**os.environ, **the_packed.environment}
    done = subprocess.run(
        ["ldd", the_packed.program], env=environment, capture_output=True, text=True, check=True
    )
    own = str(the_packed.program.parent)
    elsewhere = [line for line in done.stdout.splitlines() if f"=> {own}/lib/" not in line]
    assert len(elsewhere) < len(done.stdout.splitlines())
    assert [line for line in elsewhere if not _GLIBC.search(line)] == []


@pytest.mark.parametrize(
    ("variables", "status", "outcome"), [({"CI": "true"}, 1, "ERROR"), ({}, 0, "SKIPPED")]
)
def test_none_at_all(variables: dict[str, str], status: int, outcome: str, tmp_path: Path) -> None:
    """Without any Chromium, tests fail on CI; elsewhere they are skipped and say why."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "found"],
        env={**environment, **variables, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert re.search(f"{outcome}.*no Chromium on PATH, and npm", done.stdout, re.DOTALL)


def test_one_is_found(chromium: Chromium) -> None:
    """There is one here, or this test is what the test above looks at."""
    assert os.access(chromium.program, os.X_OK)
