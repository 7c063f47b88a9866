"""Which pages may call the backend, and what the log says about the others."""

from typing import Any, ClassVar

import httpx
import pytest
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from app.common_settings import CommonSettings
from app.origins import Cors
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
