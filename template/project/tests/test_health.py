"""Health checks, and settings with which the backend does not start."""

import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from app.common_settings import CommonSettings
from tests.backend import Backend, bare_environment


def test_health_and_ready(backend: Backend) -> None:
    """Both answer without credentials."""
    client = backend.client(headers={})
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_monitors_may_leave_the_body_out(backend: Backend, path: str) -> None:
    """Some monitors send HEAD instead of GET."""
    response = httpx.head(backend.url + path, trust_env=False)
    assert (response.status_code, response.content) == (200, b"")


def test_other_methods_and_paths_are_json(backend: Backend) -> None:
    """A wrong method or path is answered in the shape of all errors."""
    client = backend.client()
    assert client.get("").status_code == 405
    assert client.get("/nowhere").status_code == 404
    assert client.get("/nowhere").json()["error"]["code"] == "http_error"


def test_origins_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """CORS_ORIGINS is a list in one variable."""
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example/")
    assert CommonSettings().cors_origins == ["https://a.example", "https://b.example"]


def test_pages_on_this_machine_are_listed_in_development() -> None:
    """By both names that a browser may show, which it takes for different sites."""
    hosts = ("localhost", "127.0.0.1")
    origins = {f"http://{host}:{port}" for host in hosts for port in (3000, 5170, 5173)}
    assert set(CommonSettings().cors_origins) == origins
    assert CommonSettings(cors_origins=[]).cors_origins == []


def test_no_page_is_listed_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, only its owner knows where the page is; a list counts everywhere."""
    monkeypatch.setenv("APP_ENV", "production")
    assert CommonSettings().cors_origins == []
    monkeypatch.setenv("CORS_ORIGINS", "http://localhost:3000")
    assert CommonSettings().cors_origins == ["http://localhost:3000"]


def test_wrong_setting_is_one_sentence() -> None:
    """A start that fails names the variable and shows no traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "app"],
        env={**bare_environment(), "APP_ENV": "staging"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "APP_ENV" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_port_in_use_is_one_sentence(backend: Backend) -> None:
    """A port that another process listens on is a failed start that names it."""
    port = str(urlsplit(backend.url).port)
    ended = subprocess.run(
        [sys.executable, "-m", "app"],
        env={**bare_environment(), **backend.environment, "PORT": port},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == f"error: HOST=127.0.0.1 PORT={port}: address already in use\n"
