"""The front end's files: what is served, with which headers, and what is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app import ENDPOINT
from app.errors import StartupError
from app.web import WebSettings, add_web
from tests.backend import Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files, and secrets in and beside it."""
    files = {
        "web/index.html": "<!doctype html><title>Chat</title>",
        "web/chat.js": "export {};",
        "web/assets/chat-a1b2c3d4.css": "body {}",
        "web/.env": "SECRET",
        "web/.git/config": "SECRET",
        "secret.txt": "SECRET",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "web" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "web"


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that serves the folder."""
    async with client_of(folder) as client:
        yield client


def client_of(folder: Path) -> httpx.AsyncClient:
    """Return a client of an application with one route, and the files of a folder."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/route", lambda: {"route": True}, methods=["POST"])
    add_web(app, WebSettings(), folder, missing="There is no page.", hashed="assets")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/chat.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/assets/chat-a1b2c3d4.css", "text/css; charset=utf-8", "immutable"),
    ],
)
async def test_files_have_types_and_are_cached(
    browser: httpx.AsyncClient, path: str, kind: str, cache: str
) -> None:
    """Browsers ask again for what may change, and only get it again if it has changed."""
    response = await browser.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)
    assert response.headers["cache-control"].endswith(cache)
    known = {"If-None-Match": response.headers["etag"]}
    assert (await browser.get(path, headers=known)).status_code == 304
    head = await browser.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(response.content))


@pytest.mark.parametrize(
    "path",
    [
        "/.env",
        "/.git/config",
        "/assets/%2e%2e/.env",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "/link.txt",
        "/assets",
        "/chat.js%00",
        "/" + "x" * 5000,
        "/nowhere",
    ],
)
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    """Neither hidden files, nor folders, nor what is outside."""
    response = await browser.get(path)
    assert response.status_code == 404
    assert "SECRET" not in response.text


async def test_routes_are_as_before(browser: httpx.AsyncClient) -> None:
    """A wrong method of a route is still a 405, and a file takes no POST."""
    assert (await browser.post("/route")).json() == {"route": True}
    assert (await browser.get("/route")).status_code == 405
    assert (await browser.post("/chat.js")).status_code == 404


async def test_missing_page_is_explained(folder: Path) -> None:
    """Whoever opens the address reads what to do; a production backend does not start."""
    (folder / "index.html").unlink()
    async with client_of(folder) as client:
        assert (await client.get("/")).text == "There is no page."
    production = WebSettings(app_env="production", serve_page=True)
    with pytest.raises(StartupError, match="SERVE_PAGE=yes, but it is not there"):
        add_web(FastAPI(), production, folder, missing="it is not there")


@pytest.mark.parametrize(
    ("app_env", "serve_page", "served"),
    [
        ("development", None, True),
        ("development", False, False),
        ("production", None, False),
        ("production", True, True),
    ],
)
async def test_production_serves_it_on_request(
    folder: Path, app_env: str, serve_page: bool | None, served: bool
) -> None:
    """SERVE_PAGE decides; if it is not set, only development serves the page."""
    settings = WebSettings.model_validate({"app_env": app_env, "serve_page": serve_page})
    app = FastAPI(openapi_url=None)
    add_web(app, settings, folder, missing="")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert ((await client.get("/")).status_code == 200) is served


def test_page_may_load_nothing_from_elsewhere(backend: Backend) -> None:
    """Its policy allows ChatKit's script and frame, this backend, and no code in the page."""
    response = backend.start_page()
    assert response.status_code == 200
    policy = dict(
        rule.partition(" ")[::2] for rule in response.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' https://cdn.platform.openai.com"
    assert policy["frame-src"] == "https://cdn.platform.openai.com"
    assert policy["connect-src"] == "'self'"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_other_paths_are_json(backend: Backend) -> None:
    """What is no file is answered in the shape of all errors, with the strictest policy."""
    url = backend.url.removesuffix(ENDPOINT)
    response = httpx.get(f"{url}/nowhere", trust_env=False)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "http_error")
    assert "script-src" not in response.headers["content-security-policy"]
    traversal = backend.send(
        b"GET /../app/main.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert traversal.startswith(b"HTTP/1.1 404")
