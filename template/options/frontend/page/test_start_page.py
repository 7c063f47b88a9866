"""The page at `/`: what it loads is there, and it leads to this backend."""

import re

import httpx

from app import ENDPOINT
from tests.backend import Backend


def get(backend: Backend, path: str) -> httpx.Response:
    """Get a file of the page."""
    url = backend.url.removesuffix(ENDPOINT) + "/" + path
    return httpx.get(url, trust_env=False).raise_for_status()


def test_all_files_are_there(backend: Backend) -> None:
    """Whatever the page and its modules name is served, with a type that browsers accept."""
    page = get(backend, "").text
    waiting = re.findall(r'(?:src|href)="([^"]+)"', page)
    found: dict[str, httpx.Response] = {}
    while waiting:
        name = waiting.pop().removeprefix("./")
        if name not in found:
            found[name] = get(backend, name)
            waiting += re.findall(r'^import .* from "([^"]+)"', found[name].text, re.MULTILINE)
    kinds = {name: found[name].headers["content-type"].partition(";")[0] for name in found}
    assert kinds == {
        "auth.js": "text/javascript",
        "config.js": "text/javascript",
        "icon.svg": "image/svg+xml",
        "main.js": "text/javascript",
        "notice.js": "text/javascript",
        "style.css": "text/css",
    }


def test_page_has_no_inline_code(backend: Backend) -> None:
    """Its policy does not let code run that is in the page itself."""
    page = get(backend, "").text
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_page_reaches_the_endpoint(backend: Backend) -> None:
    """Its configuration has the path that the backend answers."""
    assert f'ENDPOINT = "{ENDPOINT}"' in get(backend, "config.js").text
