"""The commands that create accounts and sign users in; in production, only the first one."""

import io
import sys
from typing import Protocol
from urllib.parse import urlsplit

import anyio
import pytest
from pydantic import SecretStr

from app.__main__ import main
from app.auth import AuthSettings
from app.base import ChatStore
from app.commands.token import session_cookie
from app.errors import StartupError
from tests.backend import Backend, StartBackend
from tests.browser import PASSWORD, Browser


class RunApp(Protocol):
    """Runs a command with the settings of a backend."""

    def __call__(
        self, backend: Backend, *arguments: str, entered: bytes = b""
    ) -> tuple[object, str]:
        """Return its exit status, and what it prints."""
        ...


def settings_of(backend: Backend) -> AuthSettings:
    """Return the settings with which commands find a backend."""
    port = int(urlsplit(backend.url).port or 0)
    secret = SecretStr(backend.environment["SESSION_SECRET"])
    return AuthSettings(session_secret=secret, host="0.0.0.0", port=port)


@pytest.fixture
def run_app(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunApp:
    """Return a function that runs a command with the settings of a backend."""

    def run(backend: Backend, *arguments: str, entered: bytes = b"") -> tuple[object, str]:
        port = str(urlsplit(backend.url).port)
        for name, value in {**backend.environment, "PORT": port}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["app", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(entered)))
        capsys.readouterr()
        try:
            main()
            status: object = 0
        except SystemExit as ended:
            status = ended.code
        return status, "".join(capsys.readouterr())

    return run


@pytest.mark.anyio
async def test_production(
    start_backend: StartBackend, store: ChatStore, run_app: RunApp, email: str
) -> None:
    """Cookies are for HTTPS only; with ALLOW_REGISTRATION=no an account comes from the terminal."""
    backend = start_backend(APP_ENV="production", ALLOW_REGISTRATION="no")
    browser = Browser(backend)
    assert browser.sign_in("register", email) == 403
    assert backend.start_page().status_code == 404
    entered = f"{PASSWORD}\r\n".encode()
    status, printed = await anyio.to_thread.run_sync(
        lambda: run_app(backend, "user", "add", email, entered=entered)
    )
    response = browser.post("login", email=email, password=PASSWORD)
    assert ("POST /auth/" in printed, status == 0) == (True, store.shared)
    assert response.status_code == (200 if store.shared else 401)
    if store.shared:
        cookie = response.headers["set-cookie"]
        assert cookie.endswith("; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure")


def test_account_that_cannot_be_created_is_one_sentence(backend: Backend, run_app: RunApp) -> None:
    """The error of `user add` names the address."""
    ended = run_app(backend, "user", "add", "anna", entered=PASSWORD.encode())
    assert ended == (2, "error: anna: This is not an e-mail address.\n")


def test_token_signs_in_at_the_running_backend(
    backend: Backend, run_app: RunApp, email: str
) -> None:
    """It prints the header of a new session each time, with a new account the first time."""
    status, printed = run_app(backend, "token", email)
    assert status == 0
    name, _, cookie = printed.strip().partition(": ")
    thread_id = backend.client(headers={name: cookie}).create_thread("Hi").thread_id
    again = session_cookie(email, settings_of(backend))
    assert again != cookie
    found = backend.client(headers={name: again}).call("threads.get_by_id", thread_id=thread_id)
    assert found["id"] == thread_id


def test_token_says_why_not(backend: Backend, email: str) -> None:
    """Another password, no backend, and production are one sentence each."""
    local = settings_of(backend)
    Browser(backend).sign_in("register", email)
    with pytest.raises(StartupError, match=rf"^{email} cannot sign in: The e-mail address or"):
        session_cookie(email, local)
    nowhere = local.model_copy(update={"port": 1})
    with pytest.raises(StartupError, match=r"^no backend answers at HOST=0\.0\.0\.0 PORT=1; start"):
        session_cookie(email, nowhere)
    production = local.model_copy(update={"app_env": "production"})
    with pytest.raises(StartupError, match="APP_ENV=production does not sign users in"):
        session_cookie(email, production)
