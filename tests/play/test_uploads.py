"""Files that the page of play uploads."""

# ruff: noqa: ARG002 - an answer has the signature of all answers

from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.conformance.servers.serving import serve
from tests.play.client import Page, error_of, playing
from tests.play.recorder import HEADERS, Recorder


class Files:
    """A backend that wants the bytes of attachments at *place*."""

    def __init__(self, place: str = "/upload/1", method: str = "POST") -> None:
        self.place = place
        self.method = method
        self.headers = {"X-Signed": "yes"}
        self.recorder = Recorder(self._answer)

    def _answer(self, request: Request, body: bytes) -> Response:
        if request.url.path.startswith("/upload"):
            return JSONResponse({})
        descriptor = {"url": self.place, "method": self.method, "headers": self.headers}
        return JSONResponse(
            {"id": "atc_1", "name": "note.txt", "type": "file", "upload_descriptor": descriptor}
        )


CREATE = {"type": "attachments.create", "params": {"name": "note.txt", "size": 4}}


def upload(page: Page, attachment: str = "atc_1") -> httpx.Response:
    """Upload a file as the page does."""
    return page.http.post(
        f"upload?user=first&attachment={attachment}",
        content=b"note",
        headers={"Content-Type": "text/plain"},
    )


def test_uploads_where_the_backend_wants() -> None:
    """A file goes with the user's headers to the URL that the backend named."""
    files = Files()
    with serve(files.recorder.app) as url, playing(url, HEADERS) as page:
        early = upload(page)
        assert error_of(early)[:2] == (404, "unknown_attachment")
        page.http.post("send", json=CREATE)
        assert upload(page).json() == {"status": 200}
        assert upload(page, "other").status_code == HTTPStatus.NOT_FOUND
    request, body = files.recorder.requests[-1]
    assert (request.method, request.url.path) == ("POST", "/upload/1")
    assert request.headers["authorization"] == HEADERS["Authorization"]
    assert request.headers["x-signed"] == "yes"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="note.txt"' in body
    assert b"\r\n\r\nnote\r\n" in body


def test_uploads_to_another_host_without_credentials() -> None:
    """A file for another origin, such as a bucket, goes there without any credential."""
    bucket = Recorder()
    with serve(bucket.app) as elsewhere:
        files = Files(f"{elsewhere}/1?signature=abc", "PUT")
        with serve(files.recorder.app) as url, playing(url, HEADERS) as page:
            page.http.post("send", json=CREATE)
            assert upload(page).json() == {"status": 200}
    ((request, body),) = bucket.requests
    assert (request.method, body) == ("PUT", b"note")
    assert request.headers["content-type"] == "text/plain"
    assert request.headers["x-signed"] == "yes"
    assert not {"authorization", "cookie", "x-api-key", "x-tenant"} & set(request.headers)


def test_uploads_with_no_header_that_a_browser_refuses() -> None:
    """A backend cannot make a local server believe that its own page sends the file."""
    bucket = Recorder()
    with serve(bucket.app) as elsewhere:
        files = Files(f"{elsewhere}/1", "PUT")
        refused = {"Host": "evil.test", "origin": elsewhere, "Sec-Fetch-Site": "same-origin"}
        own = {"X-Host": "a", "X-Amz-Security-Token": "b", "Security": "c", "Authorization": "d"}
        files.headers = {**refused, **own, "Cookie": "a=b", "Transfer-Encoding": "chunked"}
        with serve(files.recorder.app) as url, playing(url, HEADERS) as page:
            page.http.post("send", json=CREATE)
            assert upload(page).json() == {"status": 200}
    ((request, body),) = bucket.requests
    sent = request.headers
    assert (sent["host"], body) == (urlsplit(elsewhere).netloc, b"note")
    assert not {"origin", "sec-fetch-site", "cookie", "transfer-encoding"} & set(sent)
    assert {name: sent[name] for name in own} == own


@pytest.mark.parametrize("place", ["ftp://host/x", "http://[", "javascript:alert(1)"])
def test_upload_urls_that_are_none(place: str) -> None:
    """A URL that is not one of HTTP is an error, and nothing is sent."""
    files = Files(place)
    with serve(files.recorder.app) as url, playing(url) as page:
        page.http.post("send", json=CREATE)
        assert upload(page).status_code in (404, 502)
    assert len(files.recorder.requests) == 1
