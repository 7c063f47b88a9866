"""Whom the play page's server answers."""

import socket
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.play.app import PAGE
from tests.play.client import LIST, Page, playing


def test_serves_the_page_and_its_files(page: Page) -> None:
    """The page and its files come with a policy that lets nothing else in."""
    for path in ("", "?user=second", "page/index.html"):
        response = page.http.get(path)
        assert response.status_code == HTTPStatus.OK
        assert response.content == (PAGE / "index.html").read_bytes()
        policy = response.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert page.http.get("page/../app.py").status_code == HTTPStatus.NOT_FOUND
    assert page.http.get("page/%2e%2e/app.py").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:PORT"}, 200),
        ({"Origin": "http://127.0.0.1:PORT"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Host": "evil.example:PORT"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "localhost:PORT", "Origin": "http://127.0.0.1:PORT"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://127.0.0.1:PORT"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        (
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "iframe",
            },
            403,
        ),
        (
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
            },
            403,
        ),
    ],
)
def test_refuses_other_pages(page: Page, headers: dict[str, str], status: int) -> None:
    """Only the page itself may ask, under the machine's own names."""
    port = str(page.http.base_url.port)
    sent = {name: value.replace("PORT", port) for name, value in headers.items()}
    response = page.http.get("config", headers=sent)
    assert response.status_code == status
    if status != HTTPStatus.OK:
        assert response.text.endswith(".")
        posted = page.http.post("send", json=LIST, headers=sent)
        assert (posted.status_code, "x-play-exchange" in posted.headers) == (403, False)


def test_a_link_may_open_the_page(page: Page) -> None:
    """A link of another site, such as in a chat, opens the page, and nothing but the page."""
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert page.http.get("", headers=link).status_code == HTTPStatus.OK
    assert page.http.post("", headers=link).status_code == HTTPStatus.FORBIDDEN
    assert page.http.get("config", headers=link).status_code == HTTPStatus.FORBIDDEN


def test_needs_the_token(page: Page) -> None:
    """Without the token in the path there is nothing, whatever else is right."""
    root = f"http://127.0.0.1:{page.http.base_url.port}"
    token = page.address.split("/")[3]
    assert len(token) >= 40
    for path in ("/", "/config", f"/{token[:-1]}/config", f"/{token}x/config", "//config", "/é/x"):
        response = httpx.get(root + path)
        assert response.status_code == HTTPStatus.NOT_FOUND, path
        assert token not in response.text
    assert httpx.get(f"{root}/{token}").status_code == HTTPStatus.NOT_FOUND
    assert httpx.get(f"{root}/{token}/config/").status_code == HTTPStatus.NOT_FOUND


def test_listens_on_this_machine_only(page: Page) -> None:
    """No other machine can connect."""
    port = page.http.base_url.port
    assert port is not None
    with socket.socket() as other:
        # Had it listened on all addresses, this one would be in use.
        other.bind(("127.0.0.2", port))


@pytest.mark.parametrize(
    ("url", "headers"), [("localhost:8000", {}), ("http://h/x", {"A": "1\r\nB: 2"})]
)
def test_wrong_arguments(url: str, headers: dict[str, Any]) -> None:
    """Nothing is served for a URL or a header that cannot be used."""
    with pytest.raises(ScaffoldError), playing(url, headers):
        pass
