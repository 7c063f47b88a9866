"""One local user; requests from other machines are rejected."""

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from app.auth import LOCAL_USER, AuthSettings, LocalUser, is_loopback
from app.errors import ApiError, StartupError
from app.settings import load_settings
from tests.backend import Backend


def request_from(host: str) -> Request:
    """Return a request from *host*."""
    return Request({"type": "http", "headers": [], "client": (host, 50000)})


def test_production_is_refused() -> None:
    """APP_ENV=production does not start."""
    with pytest.raises(ValidationError, match="APP_ENV=production needs users who sign in"):
        AuthSettings(app_env="production")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "chat.example.com"])
def test_other_addresses_are_refused(host: str) -> None:
    """An address that other machines can reach needs ALLOW_REMOTE=yes."""
    with pytest.raises(ValidationError, match="set ALLOW_REMOTE=yes"):
        AuthSettings(host=host)
    assert AuthSettings(host=host, allow_remote=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_is_accepted(host: str) -> None:
    """Loopback addresses need no setting."""
    assert is_loopback(AuthSettings(host=host).host)


@pytest.mark.anyio
async def test_requests_from_elsewhere_are_refused() -> None:
    """However the server was started, it only answers its own machine."""
    with pytest.raises(ApiError, match="its own machine only"):
        await LocalUser(allow_remote=False)(request_from("192.168.1.7"))
    assert await LocalUser(allow_remote=True)(request_from("192.168.1.7")) == LOCAL_USER


def test_the_reason_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str], agent_env: dict[str, str]
) -> None:
    """The error of a failed start names the variable."""
    for name, value in {**store_env, **agent_env, "APP_ENV": "production"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match=r"^APP_ENV=production needs users who sign in"):
        load_settings()


def test_every_request_is_the_local_users(backend: Backend) -> None:
    """Two clients see the same threads."""
    thread_id = backend.client().create_thread("Hi").thread_id
    assert backend.client().call("threads.get_by_id", thread_id=thread_id)["id"] == thread_id
