"""A page behind Vite's own proxy reaches a backend in development, with the README's lines."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chatkit_scaffold import launcher
from tests.matrix import Project, the
from tests.template.how_to import MakeProject
from tests.template.markdown import blocks
from tests.template.page_project import PageProject

pytestmark = pytest.mark.xdist_group("page")

LIST = {"type": "threads.list", "params": {}}
BACKEND = "http://127.0.0.1:8000"


@pytest.fixture
def backend(generate: MakeProject) -> Project:
    """A project without a front end of its own."""
    return generate(the(store="memory"))


def lines_of(project: Project) -> tuple[str, str]:
    """Return the README's configuration with the short form of its proxy, and with the full one."""
    (block,) = [
        block
        for block in blocks((project.path / "README.md").read_text(encoding="utf-8"))
        if block.path == "vite.config.ts"
    ]
    full = re.sub(
        r'"http://127\.0\.0\.1:8000", // or (\{.*\})$', r"\1,", block.text, flags=re.MULTILINE
    )
    assert full.count("changeOrigin: true") == 1
    return block.text, full


@contextmanager
def vite(page: PageProject, config: str) -> Iterator[str]:
    """Run Vite's development server until the block ends; yield its origin."""
    (page.folder / "vite.config.ts").write_text(config, encoding="utf-8")
    port = launcher.free_port()
    command = ["node_modules/.bin/vite", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    with subprocess.Popen(command, cwd=page.folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            # The line with its address is the last one before it serves.
            assert any(
                f"127.0.0.1:{port}" in re.sub(r"\x1b\[\d*m", "", line) for line in process.stdout
            )
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.mark.parametrize("form", [0, 1], ids=["short", "full"])
def test_page_behind_vite_reaches_the_backend(
    page: PageProject, backend: Project, form: int
) -> None:
    """Vite changes `Host` and keeps `Origin`; only a page of this machine is answered."""
    with launcher.serve(backend.path, python=Path(sys.executable)) as server:
        config = lines_of(backend)[form].replace(BACKEND, server.url.removesuffix("/chatkit"))
        with vite(page, config) as origin:
            for page_origin, status in ((origin, 200), ("https://evil.example", 403)):
                headers = {"Origin": page_origin}
                sent = httpx.post(f"{origin}/chatkit", json=LIST, headers=headers, trust_env=False)
                assert (page_origin, sent.status_code) == (page_origin, status)
        assert "origin not in CORS_ORIGINS" in server.output()
