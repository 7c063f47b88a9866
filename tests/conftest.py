"""Generated projects, and the services that they need."""

import os
import re
import runpy
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_copier.plugin import CopierFixture

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests import environments
from tests.matrix import COMBINATIONS, COVERING, Project, parameters, service_module

Environment = Callable[[Project], dict[str, str]]
Services = Callable[[str, str], Callable[[], dict[str, str]]]

_SECRETS = re.compile(r"_(?:SECRET|KEY)$|^(?:DATABASE|REDIS)_URL$")
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*|\buser_[0-9a-f]+\.[\w-]+")
"""A JWT, or the id of a session."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option of `make matrix`."""
    parser.addoption(
        "--thorough",
        action="store_true",
        help="run the own tests of every combination in its own environment, and every update",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of `project` on all combinations, and one of `installed` on those to install."""
    marks = metafunc.definition.iter_markers("parametrize")
    chosen = {name for mark in marks for name in _names(mark.args[0])}
    if "project" not in metafunc.fixturenames or "project" in chosen:
        return
    for_all = "installed" not in metafunc.fixturenames
    combinations = [
        answers for answers in COMBINATIONS if for_all or thorough(metafunc.config, answers)
    ]
    metafunc.parametrize("project", parameters(combinations), indirect=True, scope="session")


def _names(arguments: str | Sequence[str]) -> Sequence[str]:
    """Return the names of a mark's arguments, of which one alone is a text."""
    return [arguments] if isinstance(arguments, str) else arguments


def thorough(config: pytest.Config, answers: dict[str, str]) -> bool:
    """Return whether a combination gets an environment of its own and runs its own tests."""
    return bool(config.getoption("--thorough")) or answers in COVERING


@pytest.fixture(scope="session", autouse=True)
def logs_without_secrets() -> Iterator[None]:
    """Fail every test that starts a backend whose log contains a secret or a signed token."""
    serve = launcher.serve

    @contextmanager
    def checked(
        project: Path, env: Mapping[str, str] | None = None, **options: Any
    ) -> Iterator[launcher.Server]:
        with serve(project, env, **options) as server:
            yield server
            if server.process.poll() is None:
                server.stop()
            assert secrets_in(server.output(), env or {}) == []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "serve", checked)
        yield


def secrets_in(log: str, environment: Mapping[str, str]) -> list[str]:
    """Return the secrets of a backend's environment, and the tokens, that are in its log."""
    secrets = [value for name, value in environment.items() if _SECRETS.search(name)]
    secrets += filter(None, (urlsplit(secret).password for secret in secrets))
    return [*(secret for secret in secrets if secret and secret in log), *_TOKEN.findall(log)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded, also those that ran in another process."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


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
def outside_folder() -> Iterator[Path]:
    """A folder outside of pytest's own.

    PostgreSQL does not run as root, and every start of pytest closes its folder to others.
    """
    with tempfile.TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def shared_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no process repeat what another one has done.

    mypy checks a library once for all projects: it knows a file again by its content. And Python
    keeps the bytecode of an environment, which takes as long to compile as to import.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        if "MYPY_CACHE_DIR" not in os.environ:
            patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture(scope="session")
def project(
    request: pytest.FixtureRequest, copier_template: Path, outside_folder: Path
) -> Iterator[Project]:
    """One combination, freshly generated."""
    answers: dict[str, str] = request.param
    name = questions.combination_name(answers)
    # Removed behind its last test: the environments of all would fill a disk.
    with tempfile.TemporaryDirectory(dir=outside_folder) as parent:
        folder = Path(parent) / name
        with pytest.MonkeyPatch.context() as patch:
            CopierFixture(copier_template, {}, patch).copy(folder, name="backend", **answers)
        yield Project(name, folder, answers)


@pytest.fixture(scope="session")
def installed(project: Project, everything: Path) -> Project:
    """The project, with its dependencies installed."""
    launcher.install(project.path)
    environments.share_bytecode(project.path, everything)
    return project


@pytest.fixture(scope="session")
def everything(outside_folder: Path) -> Path:
    """An environment that has what any of the projects installs."""
    return environments.install_all(Path(tempfile.mkdtemp(dir=outside_folder)))


@pytest.fixture(scope="session")
def warm_environment(everything: Path, outside_folder: Path) -> Iterator[Path]:
    """The same environment, with a Python that has imported the libraries already."""
    folder = Path(tempfile.mkdtemp(dir=outside_folder))
    with environments.warm(launcher.project_python(everything), folder) as environment:
        yield environment


@pytest.fixture(scope="session")
def shared_python(warm_environment: Path) -> Path:
    """The Python of that environment."""
    return warm_environment / "bin" / "python"


@pytest.fixture(scope="session")
def ready(request: pytest.FixtureRequest, project: Project) -> Project:
    """The project, with an environment to run it in.

    That is its own, with what it requires and nothing else, in the combinations whose own tests
    run. The others share one; that they require what they import is tested separately.
    """
    if thorough(request.config, project.answers):
        installed: Project = request.getfixturevalue("installed")
        return installed
    # Another test may have needed its own environment.
    if not (project.path / ".venv").exists():
        environment: Path = request.getfixturevalue("warm_environment")
        (project.path / ".venv").symlink_to(environment)
    return project


@pytest.fixture
def type_checker(request: pytest.FixtureRequest) -> Path:
    """A Python with the projects' libraries and mypy: a shared one, which has imported mypy."""
    if request.config.getoption("--thorough"):
        installed: Project = request.getfixturevalue("installed")
        return launcher.project_python(installed.path)
    shared_python: Path = request.getfixturevalue("shared_python")
    return shared_python


@pytest.fixture
def warm_python(installed: Project, outside_folder: Path) -> Iterator[Path]:
    """The Python of the project's own environment, which has imported the libraries already."""
    folder = Path(tempfile.mkdtemp(dir=outside_folder))
    python = launcher.project_python(installed.path)
    with environments.warm(python, folder) as environment:
        yield environment / "bin" / "python"


@pytest.fixture(scope="session")
def services(outside_folder: Path) -> Iterator[Services]:
    """Return a function that starts the service of a choice, once for all tests."""
    with ExitStack() as stack:

        @cache
        def start(axis: str, choice: str) -> Callable[[], dict[str, str]]:
            path = service_module(axis, choice)
            if not path.exists():  # Tools need no service.
                return dict
            running = runpy.run_path(str(path))["running"]
            service: Callable[[], dict[str, str]] = stack.enter_context(
                running(Path(tempfile.mkdtemp(dir=outside_folder)))
            )
            return service

        yield start


@pytest.fixture(scope="session")
def environment_of(services: Services) -> Environment:
    """Return a function that returns what a project needs, with an empty store."""

    def environment(project: Project) -> dict[str, str]:
        parts = [services(axis, choice)() for axis, choice in project.answers.items()]
        return {name: value for part in parts for name, value in part.items()}

    return environment
