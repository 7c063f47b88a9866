"""The cookie that signs a browser in: scripts cannot read it, other sites cannot use it."""

from typing import Any

import pytest
from fastapi import Response
from pydantic import SecretStr, ValidationError

from app.cookies import Cookie, CookieSettings, require_long
from tests.backend import Backend

PAGE = "http://localhost:5173"


@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        ({}, "SameSite=lax"),
        ({"app_env": "production"}, "SameSite=lax; Secure"),
        # Browsers ignore it without Secure.
        ({"cookie_same_site": "none"}, "SameSite=none; Secure"),
    ],
    ids=str,
)
def test_attributes(settings: dict[str, Any], attributes: str) -> None:
    """HttpOnly and SameSite always, Secure wherever it works; what deletes it has the same."""
    response = Response()
    cookie = Cookie("name", CookieSettings(**settings), 60.5)
    cookie.set(response, "value")
    cookie.delete(response)
    assert response.headers.getlist("set-cookie") == [
        f"name=value; HttpOnly; Max-Age=60; Path=/; {attributes}",
        f'name=""; HttpOnly; Max-Age=0; Path=/; {attributes}',
    ]


def test_any_origin_is_refused() -> None:
    """The backend does not start with CORS_ORIGINS=*, which would let every site use the cookie."""
    with pytest.raises(ValidationError, match="lets every site act as the user"):
        CookieSettings(cors_origins=["*"])
    assert CookieSettings(cors_origins=[PAGE]).cors_origins == [PAGE]


def test_short_secret_is_refused() -> None:
    """A secret that could be guessed is not accepted."""
    with pytest.raises(ValueError, match="needs at least 32 bytes"):
        require_long(SecretStr("x" * 31))
    assert require_long(SecretStr("x" * 32)).get_secret_value() == "x" * 32


def test_listed_pages_may_send_credentials(backend: Backend) -> None:
    """CORS allows it to pages in CORS_ORIGINS, by name, also before the request."""
    preflight = {"Access-Control-Request-Method": "POST"}
    for response in (
        backend.client().post_raw(b"{}", Origin=PAGE),
        backend.client().options(Origin=PAGE, **preflight),
    ):
        assert response.headers["access-control-allow-origin"] == PAGE
        assert response.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example"])
def test_other_pages_may_send_nothing(backend: Backend, origin: str) -> None:
    """What a page of another site sends is refused, and no response allows it to read."""
    preflight = {"Access-Control-Request-Method": "POST"}
    refused = backend.client().post_raw(b"{}", Origin=origin)
    assert refused.status_code == 403
    for response in (refused, backend.client().options(Origin=origin, **preflight)):
        assert "access-control-allow-origin" not in response.headers
        assert "access-control-allow-credentials" not in response.headers
