"""The examples of an agent can be deleted in the one step that the README names."""

import pytest

from tests.template.how_to import OpenWorkshop
from tests.template.markdown import blocks, sections

NAME = "memory-compatible-none-none-none"


@pytest.mark.xdist_group(NAME)
def test_examples_can_be_deleted(open_workshop: OpenWorkshop) -> None:
    """Afterwards nothing names them, and the linters and all tests pass."""
    workshop = open_workshop(NAME)
    folder = workshop.folder
    readme = (folder / "README.md").read_text(encoding="utf-8")
    [step] = [block.text for block in blocks(sections(readme)["The agent"])]
    assert len(step.splitlines()) == 1

    workshop.run(*step.split())

    left = [path for path in folder.rglob("*.py") if "examples" in path.read_text(encoding="utf-8")]
    assert left == []
    workshop.lint()
    workshop.run("uv", "run", "pytest", "-q")
