"""Which pages may call the backend, and what the log says about the others."""

from typing import Any, ClassVar, Literal

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from app import ENDPOINT
from app.common_settings import CommonSettings
from app.errors import ApiError
from app.hosts import Hosts
from app.origins import Cors, check_origin
from tests.backend import Backend, StartBackend

PAGE = "https://chat.example.com"
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
CREDENTIALS = "access-control-allow-credentials"


class WithCookies(CommonSettings):
    """Settings of a backend that signs users in with a cookie."""

    uses_cookies: ClassVar[bool] = True


async def ask(settings: CommonSettings, **more: str) -> tuple[list[httpx.Response], list[Any]]:
    """Send a preflight for `PAGE`, and a request; return the responses and the log's warnings."""
    cors = Cors(PlainTextResponse("Hi"), settings, allow_headers=["x-allowed"])
    transport = httpx.ASGITransport(app=cors)
    headers = {"Origin": PAGE, **ASK, **more}
    with capture_logs() as log:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            asked = await client.options("/", headers=headers)
            sent = await client.post("/", headers={"Origin": headers["Origin"]})
    return [asked, sent], log


def test_refused_page_is_logged(backend: Backend) -> None:
    """The log names the origin of a page that asks in vain, beside the request's own line."""
    origin = "https://evil.example"
    refused = backend.client().options(Origin=origin, **ASK)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert backend.next_log("origin not in CORS_ORIGINS", origin=origin)["level"] == "warning"
    request_id = refused.headers["x-request-id"]
    assert backend.next_log("request", request_id=request_id)["status"] == 400


def test_long_origin_is_shortened(backend: Backend) -> None:
    """A stranger cannot fill the log with one request."""
    backend.client().options(Origin="https://" + "x" * 5000, **ASK)
    assert backend.next_log("origin not in CORS_ORIGINS", origin="https://" + "x" * 192)


def test_listed_page_is_not_logged(start_backend: StartBackend) -> None:
    """What a page in CORS_ORIGINS asks adds only the request's line, whatever it wants to send."""
    backend = start_backend(CORS_ORIGINS=f" {PAGE}/ ,https://b.example")
    backend.log.clear()
    anything = {**ASK, "Access-Control-Request-Headers": "x-new, authorization"}
    allowed = backend.client(headers={}).options(Origin=PAGE, **anything)
    assert allowed.headers["access-control-allow-origin"] == PAGE
    backend.next_log("request", request_id=allowed.headers["x-request-id"])
    assert [entry["event"] for entry in backend.log] == ["request"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "event", "detail"),
    [
        (
            {"Access-Control-Request-Headers": "Content-Type, X-Allowed,X-Other"},
            "header not allowed by CORS",
            {"header": "x-other"},
        ),
        (
            {"Access-Control-Request-Private-Network": "true"},
            "header not allowed by CORS",
            {"header": "access-control-request-private-network"},
        ),
        (
            {"Access-Control-Request-Method": "DELETE"},
            "method not allowed by CORS",
            {"method": "DELETE"},
        ),
    ],
    ids=["header", "private network", "method"],
)
async def test_refused_detail_is_logged(
    asked: dict[str, str], event: str, detail: dict[str, str]
) -> None:
    """If the origin is not the reason, the log names the header or the method."""
    (refused, _), log = await ask(CommonSettings(cors_origins=[PAGE]), **asked)
    assert refused.status_code == 400
    assert log == [{"event": event, "log_level": "warning", "origin": PAGE, **detail}]


@pytest.mark.anyio
async def test_header_in_other_letters_is_allowed() -> None:
    """Names of headers are compared without case, and spaces do not matter."""
    asked = {"Access-Control-Request-Headers": "X-ALLOWED ,  content-TYPE"}
    (allowed, _), log = await ask(CommonSettings(cors_origins=[PAGE]), **asked)
    assert (allowed.status_code, log) == (200, [])


@pytest.mark.anyio
async def test_credentials_are_for_listed_pages() -> None:
    """A page in CORS_ORIGINS may send the user's cookie, also while another header is refused."""
    settings = WithCookies(cors_origins=["https://a.example", PAGE])
    for asked in ({}, {"Access-Control-Request-Headers": "x-other"}):
        responses, _ = await ask(settings, **asked)
        assert [response.headers[CREDENTIALS] for response in responses] == ["true", "true"]
        assert [response.headers["access-control-allow-origin"] for response in responses] == [
            PAGE,
            PAGE,
        ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "settings",
    [
        WithCookies(cors_origins=["https://a.example"]),
        WithCookies(cors_origins=[PAGE.upper(), f"{PAGE}:443", f"{PAGE}.evil.example"]),
        # The backend does not start with these.
        WithCookies.model_construct(cors_origins=["*"]),
        WithCookies.model_construct(cors_origins=["*", PAGE]),
        CommonSettings(cors_origins=[PAGE]),
    ],
    ids=["another page", "nearly the page", "any page", "any page and this one", "no cookie"],
)
async def test_credentials_are_for_nobody_else(settings: CommonSettings) -> None:
    """No other response allows it, and none that is for every page."""
    responses, _ = await ask(settings)
    assert [response for response in responses if CREDENTIALS in response.headers] == []


OF_THIS_MACHINE = [
    "http://localhost:5173",
    "http://localhost:4999",
    "https://localhost",
    "http://chat.localhost:8080",
    "http://127.0.0.1:5170",
    "http://127.1.2.3:5173",
    "https://[::1]:5173",
]
OF_OTHERS = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://evil-localhost:5173",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1@evil.example",
    "http://evil.example:5173#localhost",
    "http://192.168.1.7:5173",
    "http://128.0.0.1",
    "http://[::2]",
    "http://0.0.0.0:5173",
    "ftp://localhost",
    "http://localhost:5173/",
    "localhost:5173",
    "null",
    "",
]


def may_write(origin: str, settings: CommonSettings, host: str = "127.0.0.1:8000") -> bool:
    """Return whether a page of *origin* may send a request to *host*."""
    app = FastAPI()
    app.state.settings = settings
    app.state.hosts = Hosts(["chat.example.com", "127.0.0.1"])
    headers = [(b"origin", origin.encode()), (b"host", host.encode())]
    try:
        check_origin(Request({"type": "http", "app": app, "headers": headers}))
    except ApiError:
        return False
    return True


@pytest.mark.parametrize("origin", OF_THIS_MACHINE)
def test_development_server_may_forward(origin: str) -> None:
    """Its proxy changes `Host` to the backend's, and leaves the page's `Origin` as it is.

    In production, only CORS_ORIGINS counts.
    """
    assert may_write(origin, CommonSettings(cors_origins=[]))
    assert not may_write(origin, CommonSettings(cors_origins=[], app_env="production"))
    assert may_write(origin, CommonSettings(cors_origins=[origin], app_env="production"))


@pytest.mark.parametrize("origin", OF_OTHERS)
@pytest.mark.parametrize("app_env", ["development", "production"])
def test_page_of_another_machine_may_not(
    origin: str, app_env: Literal["development", "production"]
) -> None:
    """What only looks like this machine is a page of another site."""
    assert not may_write(origin, CommonSettings(app_env=app_env))


@pytest.mark.parametrize("app_env", ["development", "production"])
def test_own_page_may_write(app_env: Literal["development", "production"]) -> None:
    """A page that the backend serves needs no entry in CORS_ORIGINS, but the backend's own name."""
    settings = CommonSettings(cors_origins=[], app_env=app_env)
    assert may_write("https://chat.example.com", settings, host="chat.example.com")
    assert not may_write("https://evil.example", settings, host="evil.example")


def test_page_behind_a_proxy_may_write_but_another_may_not_read(backend: Backend) -> None:
    """To a browser, a proxy's page needs no permission to read; other ports do not get it."""
    address = backend.url.removesuffix(ENDPOINT).removeprefix("http://")
    origin = "http://localhost:4999"
    response = backend.client().post_raw(b"{}", Host=address, Origin=origin)
    assert response.json()["error"]["code"] == "invalid_request"
    preflight = backend.client().options(Origin=origin, **ASK)
    assert preflight.status_code == 400
    for found in (response, preflight):
        assert "access-control-allow-origin" not in found.headers
        assert "access-control-allow-credentials" not in found.headers
