"""Projects to change, and the page that a project's front-end code is put into."""

import tempfile
from functools import cache
from pathlib import Path

import pytest
from pytest_copier.plugin import CopierFixture

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests import environments
from tests.conftest import Environment
from tests.matrix import POSSIBLE, Project
from tests.template.how_to import MakeProject, OpenWorkshop, Workshop
from tests.template.page_project import PageProject

collect_ignore = ["made_up"]
"""Choices to add to the template; their tests belong to the projects made with them."""


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> PageProject:
    """A React project with ChatKit's own packages."""
    return PageProject.install(Path(tmp_path_factory.mktemp("page")))


@pytest.fixture(scope="session")
def generate(copier_template: Path, outside_folder: Path) -> MakeProject:
    """Return a function that generates the combination of a name, once for all tests."""

    @cache
    def generated(name: str) -> Project:
        (answers,) = (found for found in POSSIBLE if questions.combination_name(found) == name)
        folder = Path(tempfile.mkdtemp(dir=outside_folder)) / name
        with pytest.MonkeyPatch.context() as patch:
            CopierFixture(copier_template, {}, patch).copy(folder, name="backend", **answers)
        return Project(name, folder, answers)

    return generated


@pytest.fixture(scope="session")
def install(generate: MakeProject) -> MakeProject:
    """Return a function that installs a combination, once for all tests."""

    @cache
    def installed(name: str) -> Project:
        project = generate(name)
        launcher.install(project.path)
        return project

    return installed


@pytest.fixture
def open_workshop(
    install: MakeProject,
    outside_folder: Path,
    environment_of: Environment,
    shared_python: Path,
    everything: Path,
) -> OpenWorkshop:
    """Return a function that copies the combination of a name, to change the copy."""

    def opened(name: str) -> Workshop:
        project = install(name)
        environments.share_bytecode(project.path, everything)
        folder = Path(tempfile.mkdtemp(dir=outside_folder)) / name
        return Workshop.copy(project, folder, environment_of(project), shared_python)

    return opened
