"""A valid token signs in its user; everything else is rejected."""

import json
import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr, ValidationError

from app.auth import AuthSettings, local_token
from app.errors import StartupError
from tests.backend import Backend, StartBackend

ANOTHER_SECRET = "0123456789abcdef0123456789abcdef"

NOW = int(time.time())


def sign(secret: str, **changes: Any) -> str:
    """Sign the claims of a valid token with *changes*; None takes a claim away."""
    claims = {"sub": "alice", "exp": NOW + 3600, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    # Not `jwt.encode`: it refuses to sign some of what must be refused here.
    return jwt.api_jws.encode(json.dumps(kept).encode(), secret, "HS256")


def status_with(backend: Backend, authorization: str) -> int:
    """Return the status of a request with this header."""
    headers = {"Authorization": authorization} if authorization else {}
    return backend.client(headers=headers).post("threads.list").status_code


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer garbage", "Basic YTpi", "alice"])
def test_no_token_is_401(backend: Backend, authorization: str) -> None:
    """Anything but a bearer token is rejected."""
    assert status_with(backend, authorization) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"exp": NOW - 3600},
        {"nbf": NOW + 3600},
        {"aud": "another service"},
    ],
    ids=str,
)
def test_wrong_claims_are_401(
    backend: Backend, auth_env: dict[str, str], changes: dict[str, Any]
) -> None:
    """A token with a valid signature and invalid claims is rejected."""
    token = sign(auth_env["JWT_SECRET"], **changes)
    assert status_with(backend, f"Bearer {token}") == 401


def test_foreign_signature_is_401(backend: Backend) -> None:
    """A token signed with another secret is rejected."""
    assert status_with(backend, f"Bearer {sign(ANOTHER_SECRET)}") == 401


def test_unsigned_token_is_401(backend: Backend) -> None:
    """A token with the algorithm `none` is rejected."""
    token = jwt.encode({"sub": "alice", "exp": NOW + 3600}, "", algorithm="none")
    assert status_with(backend, f"Bearer {token}") == 401


def test_refusal_is_json_and_says_how_to_sign_in(backend: Backend) -> None:
    """A 401 names the scheme and nothing else."""
    response = backend.client(headers={}).post("threads.list")
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "unauthorized"


def test_users_do_not_see_each_other(backend: Backend) -> None:
    """A thread of one user does not exist for another."""
    thread_id = backend.client("alice").create_thread("Hi").thread_id
    bob = backend.client("bob")
    assert thread_id not in [thread["id"] for thread in bob.call("threads.list")["data"]]
    foreign = bob.post("threads.get_by_id", thread_id=thread_id)
    unknown = bob.post("threads.get_by_id", thread_id="thr_unknown")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_short_secret_is_refused() -> None:
    """The backend does not start with a short secret."""
    with pytest.raises(ValidationError, match="needs at least 32 bytes"):
        AuthSettings(jwt_secret=SecretStr("short"))


def test_placeholder_is_refused() -> None:
    """The backend does not start with the example's secret, however long it is."""
    with pytest.raises(ValidationError, match="is still a placeholder"):
        AuthSettings(jwt_secret=SecretStr("change-me-" * 8))


def test_issuer_and_audience_are_checked(
    start_backend: StartBackend, auth_env: dict[str, str]
) -> None:
    """With JWT_ISSUER and JWT_AUDIENCE set, other tokens are rejected."""
    backend = start_backend(JWT_ISSUER="https://login.example", JWT_AUDIENCE="chat")
    right = {"iss": "https://login.example", "aud": ["chat", "mail"]}
    statuses = [
        status_with(backend, f"Bearer {sign(auth_env['JWT_SECRET'], **changes)}")
        for changes in (
            right,
            {},
            {**right, "aud": "mail"},
            {**right, "iss": "https://evil.example"},
        )
    ]
    assert statuses == [200, 401, 401, 401]


def test_no_tokens_from_the_command_line_in_production() -> None:
    """In production only the login signs tokens."""
    settings = AuthSettings(app_env="production", jwt_secret=SecretStr(ANOTHER_SECRET))
    with pytest.raises(StartupError, match="APP_ENV=production does not issue tokens"):
        local_token("alice", settings)


def test_production(start_backend: StartBackend) -> None:
    """The page at `/` is for development only; browsers are to use HTTPS and the right name."""
    backend = start_backend(APP_ENV="production", ALLOWED_HOSTS="chat.example")
    page = backend.start_page(Host="chat.example")
    assert page.status_code == 404
    assert page.headers["strict-transport-security"].startswith("max-age=")
    refused = backend.start_page(Host="evil.example")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "host_not_allowed")
    # Health checks use the address.
    assert backend.client().get("/health").status_code == 200
