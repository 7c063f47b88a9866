"""The page that a project's front-end code is put into, and what is no test of ours."""

from pathlib import Path

import pytest

from tests.template.page_project import PageProject

collect_ignore = ["made_up"]
"""Choices to add to the template; their tests belong to the projects made with them."""


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> PageProject:
    """A React project with ChatKit's own packages."""
    return PageProject.install(Path(tmp_path_factory.mktemp("page")))
