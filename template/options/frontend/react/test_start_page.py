"""The page at `/`, which only development has."""

import re
from html import unescape

import httpx

from app import ENDPOINT
from app.auth import FETCH_EXAMPLE
from app.start_page import render
from tests.backend import Backend


def test_page_shows_how_to_connect(backend: Backend) -> None:
    """It has the endpoint's address, the code for the front end, and links that work."""
    response = backend.start_page()
    assert response.status_code == 200
    text = unescape(response.text)
    assert f'url: "{backend.url}"' in text
    for line in FETCH_EXAMPLE.splitlines():
        assert line in text
    links = re.findall(r'href="([^"]+)"', response.text)
    assert links == [f"{ENDPOINT}/health", f"{ENDPOINT}/ready"]
    for link in links:
        assert httpx.get(str(response.url.join(link)), trust_env=False).status_code == 200


def test_address_is_the_one_the_browser_uses(backend: Backend) -> None:
    """Behind a tunnel or a forwarded port, the page shows that address."""
    response = backend.start_page(Host="localhost:9000")
    assert f"<code>http://localhost:9000{ENDPOINT}</code>" in response.text


def test_page_loads_nothing_and_runs_nothing(backend: Backend) -> None:
    """It has no script and no address of another server, and its policy allows neither."""
    response = backend.start_page()
    assert "<script" not in response.text
    assert not re.search(r'(src|href)="(https?:)?//', response.text)
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_address_is_escaped() -> None:
    """A request cannot write into the page."""
    page = render("http://<b>'\"")
    assert "http://&lt;b&gt;&#x27;&quot;" in page
    assert "<b>" not in page
