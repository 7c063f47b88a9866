"""What a connection may send, and which hosts, origins and headers go with a request."""

import httpx
import pytest

from app import ENDPOINT
from app.connections import MAX_HEAD_BYTES, MAX_PIPELINED
from app.hosts import Hosts
from tests.backend import Backend

HEALTH = f"GET {ENDPOINT}/health HTTP/1.1\r\nHost: localhost\r\n".encode()
CLOSE = b"Connection: close\r\n\r\n"
POST = f"POST {ENDPOINT} HTTP/1.1\r\nHost: localhost\r\n".encode()
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

SCOPE = {"type": "http", "server": ("10.0.0.7", 8000)}


def status_of(response: bytes) -> int:
    """Return the status of a response."""
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "request_",
    [
        HEALTH + b"X: " + b"x" * (MAX_HEAD_BYTES + 1) + b"\r\n" + CLOSE,
        HEALTH + b"X: y\r\n" * (MAX_HEAD_BYTES // 32) + CLOSE,
        HEALTH + b"X: " + b"x" * 1_000_000,
        b"GET /" + b"x" * 1_000_000,
        CHUNKED + b"1;x=" + b"x" * 1_000_000,
        CHUNKED + b"0\r\nX: " + b"x" * 1_000_000,
        b"\r\n" * 500_000,
    ],
    ids=["header", "headers", "endless", "url", "chunk", "trailer", "blank lines"],
)
def test_large_head_is_431(backend: Backend, request_: bytes) -> None:
    """What the parser would keep, or skip, without a bound is cut off."""
    response = backend.send(request_)
    # The response may be lost with what the client still had to send, or follow one to the head.
    assert not response or b"HTTP/1.1 431 " in response


def test_head_may_be_large(backend: Backend) -> None:
    """Large headers within the bound are accepted, also with a trailer behind the body."""
    value = b"x" * (MAX_HEAD_BYTES - 500)
    assert status_of(backend.send(HEALTH + b"X: " + value + b"\r\n" + CLOSE)) == 200
    body = b"2;name=value\r\n{}\r\n0\r\nHost: evil.example\r\nX: y\r\n\r\n"
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert status_of(backend.send(head + body)) in {400, 401}


def test_pipelined_requests_are_answered_in_order(backend: Backend) -> None:
    """A few requests may be sent at once; too many end the connection."""
    few = backend.send((HEALTH + b"\r\n") * MAX_PIPELINED + HEALTH + CLOSE)
    assert few.count(b"HTTP/1.1 200 OK") == MAX_PIPELINED + 1
    many = backend.send((HEALTH + b"\r\n") * 10_000)
    assert many.count(b"HTTP/1.1 200 OK") <= MAX_PIPELINED


def test_garbage_is_400(backend: Backend) -> None:
    """What is not HTTP is refused with JSON, like everything else."""
    response = backend.send(b"\x16\x03\x01\x00\r\n\r\n")
    assert status_of(response) == 400
    assert b'"invalid_http"' in response


def test_request_with_an_offer_to_upgrade_is_answered(backend: Backend) -> None:
    """Some clients offer another protocol with their first request; HTTP/1.1 goes on."""
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert status_of(backend.send(HEALTH + offer)) == 200


@pytest.mark.parametrize("path", ["", "/", "/health", "/health/"])
def test_no_redirect(backend: Backend, path: str) -> None:
    """A path with a slash too many is not redirected to a host that the client names."""
    response = backend.client().get(path)
    assert response.status_code in {200, 404, 405}
    if response.status_code == 404:
        assert ENDPOINT in response.json()["error"]["message"]


def test_responses_cannot_be_framed_kept_or_guessed(backend: Backend) -> None:
    """Every response, errors and preflights included, has the headers for APIs."""
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for response in (
        backend.client().get("/health"),
        backend.client().get("/nowhere"),
        backend.client().post_raw(b"{}"),
        backend.client().post("threads.list"),
        httpx.options(backend.url, headers=preflight, trust_env=False),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert "strict-transport-security" not in response.headers


def test_origin_of_another_name_is_refused(backend: Backend) -> None:
    """A page of a site that points its name at this address (DNS rebinding) is not our own."""
    response = backend.client().post_raw(
        b"{}", Host="evil.example:8000", Origin="http://evil.example:8000"
    )
    assert response.status_code in {400, 403}
    assert response.json()["error"]["code"] in {"host_not_allowed", "origin_not_allowed"}


def test_own_origin_is_accepted(backend: Backend) -> None:
    """A page that this address serves may send requests."""
    origin = backend.url.removesuffix(ENDPOINT)
    response = backend.client().post_raw(b"{}", Origin=origin)
    assert response.json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("chat.example", True),
        ("CHAT.example:8000", True),
        ("chat.example.", True),
        ("a.b.chat.example", False),
        ("any.sub.example", True),
        ("sub.example", False),
        ("evilsub.example", False),
        ("evil.example", False),
        ("evil.example@chat.example", False),
        ("chat.example,evil.example", False),
        ("[::1]:8000", True),
        ("[::2]:8000", False),
        ("10.0.0.7:8000", True),
        ("10.0.0.8:8000", False),
        ("", True),
    ],
)
def test_allowed_hosts(host: str, allowed: bool) -> None:
    """Names are compared without their port; the address of the connection is always allowed."""
    hosts = Hosts(["chat.example", "*.sub.example", "[::1]"])
    headers = [(b"host", host.encode())] if host else []
    assert hosts.allows({**SCOPE, "headers": headers}) is allowed


def test_any_host_is_allowed_but_not_ones_own() -> None:
    """Without a list every host is answered, and none but the address is taken for one's own."""
    scope = {**SCOPE, "headers": [(b"host", b"evil.example")]}
    for hosts in (Hosts([]), Hosts(["*"])):
        assert hosts.allows(scope)
        assert not hosts.owns(scope)
