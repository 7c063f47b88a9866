"""The command `token` signs in users of a local issuer."""

from argparse import Namespace
from collections.abc import Callable

import pytest

from app.commands import token
from app.errors import StartupError
from app.settings import load_settings
from tests.backend import Backend


@pytest.fixture
def print_header(
    monkeypatch: pytest.MonkeyPatch,
    store_env: dict[str, str],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
) -> Callable[..., None]:
    """Return a function that runs the command `token` with more environment variables."""

    def run(**environment: str) -> None:
        settings = {**store_env, **agent_env, **auth_env, **environment}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        token.run(load_settings(), Namespace(user="alice"))

    return run


def test_the_command_signs_in(
    backend: Backend, print_header: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """In development, the local issuer signs a token for anyone."""
    print_header()
    name, _, value = capsys.readouterr().out.strip().partition(": ")
    assert backend.client(headers={name: value}).post("threads.list").status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"OIDC_ISSUER": "https://login.example.com"}, "is not a local issuer for development"),
        ({"OIDC_ISSUER": "http://127.0.0.1:9"}, "start the local one: uv run python -m tests"),
        ({"OIDC_ISSUER": "https://127.0.0.1", "APP_ENV": "production"}, "is not a local issuer"),
    ],
)
def test_the_command_is_for_local_issuers(
    print_header: Callable[..., None], changes: dict[str, str], reason: str
) -> None:
    """Real issuers sign in users on the page; the command says so in one sentence."""
    with pytest.raises(StartupError, match=reason) as raised:
        print_header(**changes)
    assert str(raised.value).startswith(f"OIDC_ISSUER={changes['OIDC_ISSUER']} ")
