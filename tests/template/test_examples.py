"""The examples of an agent can be deleted in the one step that the README names."""

import tempfile
from pathlib import Path

import pytest

from tests.conftest import Environment
from tests.template.how_to import MakeProject, Workshop
from tests.template.markdown import blocks, sections

NAME = "memory-compatible-none-none"


@pytest.mark.xdist_group(NAME)
def test_examples_can_be_deleted(
    install: MakeProject, outside_folder: Path, environment_of: Environment
) -> None:
    """Afterwards nothing names them, and the linters and all tests pass."""
    project = install(NAME)
    folder = Path(tempfile.mkdtemp(dir=outside_folder)) / NAME
    workshop = Workshop.copy(project, folder, environment_of(project))
    readme = (folder / "README.md").read_text(encoding="utf-8")
    [step] = [block.text for block in blocks(sections(readme)["The agent"])]
    assert len(step.splitlines()) == 1

    workshop.run(*step.split())

    left = [path for path in folder.rglob("*.py") if "examples" in path.read_text(encoding="utf-8")]
    assert left == []
    workshop.lint()
    workshop.run("uv", "run", "pytest", "-q")
