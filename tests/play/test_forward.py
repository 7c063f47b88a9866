"""What the play page's server passes on."""

# ruff: noqa: ARG001 - an answer has the signature of all answers

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from chatkit_scaffold.play.masking import masked
from tests.conformance.servers.serving import serve
from tests.play.client import LIST, Page, error_of, playing
from tests.play.recorder import HEADERS, SECRET, Recorder
from tests.protocol.test_client import raw_server


def test_streams_as_the_backend_sends(page: Page) -> None:
    """Status, type and bytes arrive while the backend sends them."""
    body = {"type": "threads.create", "params": {"input": {"content": []}}}
    refused = page.send_raw(body)
    assert refused.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)

    answer = page.create("Streaming?")
    assert answer.status == HTTPStatus.OK
    assert answer.events[-1]["type"] == "thread.item.done"
    assert answer.about["size"] == len(answer.body)
    assert answer.about["operation"] == "threads.create"
    assert answer.about["error"] == ""


def test_arrives_piece_by_piece() -> None:
    """Nothing is collected: the first event arrives while the backend waits with the second."""
    waiting = threading.Event()

    def body() -> Iterator[bytes]:
        yield b'data: {"type": "one"}\n\n'
        waiting.wait(20)
        yield b'data: {"type": "two"}\n\n'

    backend = Recorder(lambda *_: StreamingResponse(body(), media_type="text/event-stream"))
    with (
        serve(backend.app) as url,
        playing(url) as page,
        page.http.stream("POST", "send", json={"type": "threads.create"}) as response,
    ):
        pieces = response.iter_raw()
        assert next(pieces) == b'data: {"type": "one"}\n\n'
        number = response.headers["x-play-exchange"]
        running = page.http.get(f"exchanges/{number}")
        assert running.status_code == HTTPStatus.NOT_FOUND
        waiting.set()
        assert b"".join(pieces) == b'data: {"type": "two"}\n\n'
        assert page.http.get(f"exchanges/{number}").json()["size"] == 46


def test_stop_closes_the_connection_to_the_backend() -> None:
    """When the page stops reading, so does the server, and the backend can see it."""
    stopped = threading.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b'data: {"type": "more"}\n\n'
                await asyncio.sleep(0.01)
        finally:
            stopped.set()

    backend = Recorder(lambda *_: StreamingResponse(body(), media_type="text/event-stream"))
    with serve(backend.app) as url, playing(url) as page:
        with page.http.stream("POST", "send", json={"type": "threads.create"}) as response:
            next(response.iter_raw())
            number = response.headers["x-play-exchange"]
        assert stopped.wait(20)
        deadline = time.monotonic() + 20
        while page.http.get(f"exchanges/{number}").status_code != HTTPStatus.OK:
            assert time.monotonic() < deadline
        # What the user stopped has not failed.
        assert page.http.get(f"exchanges/{number}").json()["warnings"] == []


def test_sends_the_bytes_the_headers_and_the_language() -> None:
    """The backend gets the page's bytes, the user's headers, and nothing of the page."""
    backend = Recorder()
    content = b'{"type" :"threads.list",  "params": {"limit":1}, "\xc3\xa9": 1.0}'
    with serve(backend.app) as url, playing(url, HEADERS, {"X-User": "second"}) as page:
        headers = {"Accept-Language": "de-CH", "X-Page": "1", "Content-Type": "text/plain"}
        page.http.post("send?user=first", content=content, headers=headers)
        page.http.post("send?user=second", content=b"{", headers={"Accept-Language": "de"})
        unknown = page.http.post("send?user=third", json=LIST)
    (first, body), (second, broken) = backend.requests
    assert (body, broken) == (content, b"{")
    assert first.headers["authorization"] == HEADERS["Authorization"]
    assert first.headers["cookie"] == HEADERS["Cookie"]
    assert first.headers["accept-language"] == "de-CH"
    assert first.headers["content-type"] == "application/json"
    assert not {"x-page", "origin", "referer"} & set(first.headers)
    assert second.headers["x-user"] == "second"
    assert not {"authorization", "cookie", "x-tenant"} & set(second.headers)
    assert unknown.status_code == HTTPStatus.NOT_FOUND
    assert unknown.json()["error"]["code"] == "unknown_user"


def test_keeps_cookies_per_user() -> None:
    """A cookie that the backend sets comes back, for the same user, and never reaches the page."""

    def answer(request: Request, body: bytes) -> Response:
        response = JSONResponse({"data": [], "has_more": False})
        response.set_cookie("guest", f"{SECRET}-{len(backend.requests)}")
        return response

    backend = Recorder(answer)
    with serve(backend.app) as url, playing(url, None, {"X-User": "second"}) as page:
        for user in ("first", "second", "first", "second"):
            response = page.http.post(f"send?user={user}", json=LIST)
            assert "set-cookie" not in response.headers
    cookies = [request.headers.get("cookie") for request, _ in backend.requests]
    assert cookies == [None, None, f"guest={SECRET}-1", f"guest={SECRET}-2"]


def test_shows_no_header_value(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither the page nor the terminal gets to see a value, whatever happens."""

    def answer(request: Request, body: bytes) -> Response:
        if b"redirect" in body:
            return RedirectResponse(f"/login?token={SECRET}", 302)
        return JSONResponse({"echo": request.headers.get("authorization")}, 500)

    seen = []
    with serve(Recorder(answer).app) as url, playing(url, HEADERS, HEADERS) as page:
        seen += [page.http.get("").text, page.http.get("config").text]
        for body in ({"type": "redirect"}, {"type": "threads.list"}, {"type": "threads.create"}):
            response = page.http.post("send", json=body)
            seen.append(page.http.get(f"exchanges/{response.headers['x-play-exchange']}").text)
            if body["type"] == "redirect":
                seen.append(response.text)
        config = page.http.get("config").json()
    output = capfd.readouterr()
    assert SECRET not in "".join([*seen, output.out, output.err])
    assert page.address.split("/")[3] not in output.out + output.err
    assert config["curl_headers"] == config["users"][0]["headers"]
    assert config["users"][0]["headers"] == [
        "Authorization: Bearer …",
        "X-Api-Key: …",
        "X-Tenant: …",
        "Cookie: sid=…; theme=…",
    ]


def test_masks_whatever_may_be_secret() -> None:
    """Only the scheme is shown, and only if it is one."""
    assert masked({"Authorization": "abc def"}) == ["Authorization: …"]
    assert masked({"Authorization": "Basic dXNlcg=="}) == ["Authorization: Basic …"]
    assert masked({"User-Agent": "secret agent"}) == ["User-Agent: …"]


def test_shows_the_url_without_its_password() -> None:
    """A user name, a password and a query in the URL are credentials, too."""
    with serve(Recorder().app) as url, playing(f"{url}?key={SECRET}") as page:
        assert page.http.get("config").json()["url"] == f"{url}?…"


def test_backend_that_is_not_there() -> None:
    """Without a backend the page opens, and each request says what is wrong; then it works."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with playing(f"http://127.0.0.1:{port}/chatkit") as page:
        response = page.http.post("send", json=LIST)
        status, code, message, hint = error_of(response)
        assert (status, code) == (502, "unreachable")
        assert message.startswith("The backend does not respond: no connection")
        assert hint.startswith("Start the backend")
        about = page.http.get(f"exchanges/{response.headers['x-play-exchange']}").json()
        assert (about["status"], about["warnings"]) == (0, [])
        assert about["error"].startswith("no connection")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is shown and not followed: it might lead credentials elsewhere."""
    stranger = Recorder()
    with serve(stranger.app) as elsewhere:
        backend = Recorder(lambda *_: RedirectResponse(f"{elsewhere}/x", status))
        with serve(backend.app) as url, playing(url, HEADERS) as page:
            found = error_of(page.http.post("send", json=LIST))
    assert found[:2] == (502, "redirect")
    assert f"a redirect ({status})" in found[2]
    assert stranger.requests == []


def test_torn_response_is_torn_for_the_page() -> None:
    """A stream that breaks off does so for the page, after what had arrived."""

    def tear(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n"
        )

    with raw_server(tear) as url, playing(url) as page:
        with page.http.stream("POST", "send", json={"type": "threads.create"}) as response:
            pieces = response.iter_raw()
            assert next(pieces) == b"data:"
            with pytest.raises(httpx.RemoteProtocolError):
                next(pieces)
        about = page.http.get("exchanges/1").json()
        assert "cut off" in about["error"]


def test_no_response_at_all() -> None:
    """A backend that closes the connection is an error with a sentence."""
    with raw_server(lambda connection: connection.close()) as url, playing(url) as page:
        assert error_of(page.http.post("send", json=LIST))[:2] == (502, "cut_off")


def test_tls_that_is_not_trusted() -> None:
    """Without TLS at an https URL, the error says so and what to do."""
    with serve(Recorder().app) as url, playing(url.replace("http:", "https:")) as page:
        status, code, message, hint = error_of(page.http.post("send", json=LIST))
    assert (status, code) == (502, "tls")
    assert "does not speak TLS" in message
    assert hint == "Use http:// in the URL."


def test_compressed_responses_arrive_plain() -> None:
    """The page gets the bytes that the events were made of."""
    plain = b'{"data": [], "has_more": false}'
    response = Response(
        gzip.compress(plain), media_type="application/json", headers={"content-encoding": "gzip"}
    )
    with serve(Recorder(lambda *_: response).app) as url, playing(url) as page:
        answer = page.http.post("send", json=LIST)
    assert (answer.content, "content-encoding" in answer.headers) == (plain, False)


def test_large_bodies() -> None:
    """A response may be of any size; it is passed on whole, and only its beginning recorded."""
    size = 20_000_000

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // 100_000):
            yield b"x" * 100_000

    backend = Recorder(lambda *_: StreamingResponse(body(), media_type="application/json"))
    with serve(backend.app) as url, playing(url) as page:
        response = page.http.post("send", json=LIST)
        assert len(response.content) == size
        about = page.http.get("exchanges/1").json()
        assert (about["size"], about["warnings"]) == (size, [])
        refused = page.http.post("send", content=b"x" * 16_000_001)
        assert refused.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert len(backend.requests) == 1


def test_unknown_exchanges(page: Page) -> None:
    """There is nothing about an exchange that never was."""
    for name in ("999999", "0", "x"):
        assert page.http.get(f"exchanges/{name}").status_code == HTTPStatus.NOT_FOUND
