"""Fixtures for all tests."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from app.interfaces import ChatStore
from app.store import StoreSettings, open_store
from tests.backend import Backend, Credentials, StartBackend

pytest_plugins = ["tests.store_fixtures", "tests.agent_fixtures", "tests.auth_fixtures"]


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
def backend(
    new_store: Callable[[], dict[str, str]],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    headers_for: Credentials,
) -> Iterator[Backend]:
    """One backend for all tests that leave it running."""
    running = Backend({**new_store(), **agent_env, **auth_env}, headers_for)
    yield running
    running.stop()


@pytest.fixture
def start_backend(
    store_env: dict[str, str],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    headers_for: Credentials,
) -> Iterator[StartBackend]:
    """Start backends of the test's own; all of one test share a store."""
    started: list[Backend] = []

    def start(**environment: str) -> Backend:
        settings = {**store_env, **agent_env, **auth_env, **environment}
        started.append(Backend(settings, headers_for))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def store_env(new_store: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Environment of a fresh, empty store."""
    return new_store()


@pytest.fixture
async def store(
    store_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatStore]:
    """An open, empty store."""
    for name, value in store_env.items():
        monkeypatch.setenv(name, value)
    async with open_store(StoreSettings()) as opened:
        yield opened
