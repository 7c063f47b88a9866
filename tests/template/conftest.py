"""The page that a project's front-end code is put into."""

from pathlib import Path

import pytest

from tests.template.page_project import PageProject


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> PageProject:
    """A React project with ChatKit's own packages."""
    return PageProject.install(Path(tmp_path_factory.mktemp("page")))
