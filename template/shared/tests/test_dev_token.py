"""The token that this backend's page gets in development."""

import httpx
import pytest
from fastapi import FastAPI

from app import ENDPOINT
from app.common_settings import CommonSettings
from app.dev_token import add_dev_token
from tests.backend import Backend

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser adds to a request of the page."""


def ask(backend: Backend, user: str = "alice", **headers: str) -> httpx.Response:
    """Ask for a token."""
    url = f"{backend.url.removesuffix(ENDPOINT)}/dev/token"
    return httpx.post(url, params={"user": user}, headers=headers, trust_env=False)


def test_token_signs_in(backend: Backend) -> None:
    """Each user gets a token of their own."""
    for user in ("alice", "bob"):
        token = ask(backend, user, **OWN_PAGE).json()["token"]
        thread_id = backend.client(user).create_thread("Hi").thread_id
        page = backend.client(headers={"Authorization": f"Bearer {token}"})
        assert page.call("threads.get_by_id", thread_id=thread_id)["id"] == thread_id


@pytest.mark.parametrize("host", ["localhost:5173", "chat.localhost", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine(backend: Backend, host: str) -> None:
    """A development server's proxy may pass another name on."""
    assert ask(backend, **OWN_PAGE, Host=host).status_code == 200


def test_proxy_of_this_machine(backend: Backend) -> None:
    """One that names a client of this machine, as a development server's does."""
    named = {"X-Forwarded-For": "::1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Host": "localhost"}
    assert ask(backend, **OWN_PAGE, **named).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "none"},
        {**OWN_PAGE, "Host": "evil.example"},
        {**OWN_PAGE, "Host": "localhost.evil.example"},
        {**OWN_PAGE, "X-Forwarded-For": "192.0.2.1"},
        {**OWN_PAGE, "X-Real-IP": "192.0.2.1"},
        {**OWN_PAGE, "Forwarded": "for=192.0.2.1"},
    ],
    ids=[
        "no page",
        "other site",
        "other port",
        "typed",
        "rebinding",
        "similar",
        "elsewhere",
        "elsewhere by address",
        "elsewhere by standard",
    ],
)
def test_nobody_else_gets_one(backend: Backend, headers: dict[str, str]) -> None:
    """Only this backend's own page, in a browser on the same machine."""
    response = ask(backend, **headers)
    assert response.status_code == 403
    assert "token" not in response.json()


@pytest.mark.parametrize(
    ("app_env", "paths"), [("development", ["/dev/token"]), ("production", [])]
)
def test_production_has_no_such_route(app_env: str, paths: list[str]) -> None:
    """There, users get their tokens where they sign in."""
    app = FastAPI(openapi_url=None)
    add_dev_token(app, CommonSettings.model_validate({"app_env": app_env}))
    assert [getattr(route, "path", None) for route in app.routes] == paths
