"""One local user; requests from other machines are rejected."""

import socket
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from app.auth import LOCAL_USER, AuthSettings, LocalUser
from app.errors import ApiError, StartupError
from app.senders import is_loopback
from app.settings import load_settings
from tests.backend import Backend, StartBackend


def request_from(host: str, peer: str | None = None, forwarded: str = "") -> Request:
    """Return a request from *host*; a trusted proxy that *forwarded* it is the *peer*."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    state = {"peer": (peer or host, 40000)}
    scope = {"type": "http", "http_version": "1.1", "headers": headers, "state": state}
    return Request({**scope, "client": (host, 50000)})


def test_production_is_refused() -> None:
    """APP_ENV=production does not start."""
    with pytest.raises(ValidationError, match="APP_ENV=production needs users who sign in"):
        AuthSettings(app_env="production")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "chat.example.com"])
def test_other_addresses_are_refused(host: str) -> None:
    """An address that other machines can reach needs ALLOW_REMOTE=yes."""
    with pytest.raises(ValidationError, match="set ALLOW_REMOTE=yes"):
        AuthSettings(host=host)
    assert AuthSettings(host=host, allow_remote=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_is_accepted(host: str) -> None:
    """Loopback addresses need no setting."""
    assert is_loopback(AuthSettings(host=host).host)


@pytest.mark.anyio
async def test_requests_from_elsewhere_are_refused() -> None:
    """However the server was started, it only answers its own machine."""
    with pytest.raises(ApiError, match="its own machine only"):
        await LocalUser(allow_remote=False)(request_from("192.168.1.7"))
    assert await LocalUser(allow_remote=True)(request_from("192.168.1.7")) == LOCAL_USER


@pytest.mark.anyio
@pytest.mark.parametrize(
    "forged",
    [
        request_from("127.0.0.1", peer="192.168.1.7", forwarded="127.0.0.1"),
        request_from("127.0.0.1", peer="127.0.0.1", forwarded="127.0.0.1, 192.168.1.7"),
    ],
    ids=["direct", "through a proxy"],
)
async def test_forged_address_is_refused(forged: Request) -> None:
    """With FORWARDED_ALLOW_IPS=* a client can choose its address, but not hide the real one."""
    with pytest.raises(ApiError, match="its own machine only"):
        await LocalUser(allow_remote=False)(forged)
    local_proxy = request_from("127.0.0.1", peer="127.0.0.1", forwarded="127.0.0.1")
    assert await LocalUser(allow_remote=False)(local_proxy) == LOCAL_USER


@pytest.mark.anyio
async def test_forged_address_in_another_server_is_refused() -> None:
    """`uvicorn --factory app.main:create_app` does not tell the real address."""
    forged = request_from("127.0.0.1", forwarded="127.0.0.1")
    del forged.state.peer
    with pytest.raises(ApiError, match="its own machine only"):
        await LocalUser(allow_remote=False)(forged)
    direct = request_from("127.0.0.1")
    del direct.state.peer
    assert await LocalUser(allow_remote=False)(direct) == LOCAL_USER


def test_forged_address_over_http(start_backend: StartBackend) -> None:
    """A proxy on this machine that forwards requests of others is refused, whoever is trusted."""
    client = start_backend(FORWARDED_ALLOW_IPS="*").client()
    statuses = [
        client.post_raw(b"{}", **{"X-Forwarded-For": value}).status_code
        for value in ("192.168.1.7", "127.0.0.1, 192.168.1.7", "127.0.0.1")
    ]
    assert statuses == [403, 403, 400]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("X-Real-IP", "192.168.1.7", 403),
        ("X-Real-IP", "::1", 400),
        ("Forwarded", "for=192.168.1.7", 403),
        ("X-Forwarded-Host", "localhost", 400),
    ],
)
def test_proxies_with_other_headers(backend: Backend, header: str, value: str, status: int) -> None:
    """A proxy that names the client in another way hides it no better."""
    assert backend.client().post_raw(b"{}", **{header: value}).status_code == status


@pytest.mark.parametrize(("version", "status"), [("1.0", 403), ("1.1", 400)])
def test_proxy_that_names_no_client(backend: Backend, version: str, status: int) -> None:
    """No browser speaks HTTP/1.0, but a proxy with its default settings may."""
    parts = urlsplit(backend.url)
    head = f"POST {parts.path} HTTP/{version}\r\nHost: {parts.netloc}\r\nContent-Length: 0\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "0.0.0.0"])
def test_other_names_are_refused(backend: Backend, host: str) -> None:
    """A site that points its own name at this machine (DNS rebinding) gets nothing."""
    for response in (
        backend.start_page(Host=host),
        backend.client().post_raw(b"{}", Host=host, Origin=f"http://{host}"),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "host_not_allowed"


@pytest.mark.parametrize("host", ["localhost", "chat.localhost:3000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine_are_accepted(backend: Backend, host: str) -> None:
    """A forwarded port or a development server's proxy may use any of them."""
    assert backend.start_page(Host=host).status_code == 200


def test_the_reason_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, store_env: dict[str, str], agent_env: dict[str, str]
) -> None:
    """The error of a failed start names the variable."""
    for name, value in {**store_env, **agent_env, "APP_ENV": "production"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match=r"^APP_ENV=production needs users who sign in"):
        load_settings()


def test_every_request_is_the_local_users(backend: Backend) -> None:
    """Two clients see the same threads."""
    thread_id = backend.client().create_thread("Hi").thread_id
    assert backend.client().call("threads.get_by_id", thread_id=thread_id)["id"] == thread_id
