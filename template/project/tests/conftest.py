"""Fixtures for all tests."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from app.base import ChatStore
from app.store import StoreSettings, open_store
from tests import services
from tests.backend import Backend, Credentials, StartBackend

pytest_plugins = ["tests.store_fixtures", "tests.agent_fixtures", "tests.auth_fixtures"]

Service = Callable[[], dict[str, str]]
"""Returns the environment variables that lead the backend to a service."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the tests, and the backends they start, where no `.env` of yours is found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield


@pytest.fixture(scope="session")
def store_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run what the store needs; each call returns the environment of an empty store."""
    with services.store.running(tmp_path_factory.mktemp("store")) as service:
        yield service


@pytest.fixture(scope="session")
def agent_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run what the agent needs."""
    with services.agent.running(tmp_path_factory.mktemp("agent")) as service:
        yield service


@pytest.fixture(scope="session")
def agent_env(agent_service: Service) -> dict[str, str]:
    """Environment of the agent."""
    return agent_service()


@pytest.fixture(scope="session")
def auth_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run what the authentication needs."""
    with services.auth.running(tmp_path_factory.mktemp("auth")) as service:
        yield service


@pytest.fixture(scope="session")
def auth_env(auth_service: Service) -> dict[str, str]:
    """Environment of the authentication."""
    return auth_service()


@pytest.fixture
def store_env(store_service: Service) -> dict[str, str]:
    """Environment of a fresh, empty store."""
    return store_service()


@pytest.fixture(scope="session")
def backend(
    store_service: Service,
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    headers_for: Credentials,
) -> Iterator[Backend]:
    """One backend for all tests that leave it running."""
    running = Backend({**store_service(), **agent_env, **auth_env}, headers_for)
    yield running
    running.stop()
    assert running.private_texts() == []


@pytest.fixture
def start_backend(
    store_env: dict[str, str],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    headers_for: Credentials,
) -> Iterator[StartBackend]:
    """Start separate backends for one test, which share a store."""
    started: list[Backend] = []

    def start(**environment: str) -> Backend:
        settings = {**store_env, **agent_env, **auth_env, **environment}
        started.append(Backend(settings, headers_for))
        return started[-1]

    yield start
    for running in started:
        running.stop()
    assert [text for running in started for text in running.private_texts()] == []


@pytest.fixture
async def store(
    store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """An open, empty store."""
    for name, value in store_env.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as opened:
        yield opened
