"""A visitor gets an identity and keeps it; without a valid one nothing is answered."""

import base64
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from pydantic import SecretStr, ValidationError

from app import ENDPOINT
from app.auth import AuthSettings, local_token
from app.errors import StartupError
from tests.backend import Backend, Client, StartBackend, http_client
from tests.private import note_credentials

ANOTHER_SECRET = "0123456789abcdef0123456789abcdef"


def browser(backend: Backend, **headers: str) -> httpx.Client:
    """Return a browser: it keeps the cookies that it gets."""
    url = backend.url.removesuffix(ENDPOINT)
    return http_client(headers, url)


def become_guest(visitor: httpx.Client, **headers: str) -> dict[str, Any]:
    """Get an identity, or renew it."""
    response = visitor.post("/auth/guest", headers=headers).raise_for_status()
    identity: dict[str, Any] = response.json()
    note_credentials({"token": identity["token"]})
    return identity


def client_with(backend: Backend, visitor: httpx.Client) -> Client:
    """Return a ChatKit client that sends the browser's cookie."""
    return backend.client(headers={"Cookie": f"guest={visitor.cookies['guest']}"})


def sign(secret: str, **changes: Any) -> str:
    """Sign the claims of a valid identity with *changes*; None takes a claim away."""
    claims = {"sub": "alice", "exp": int(time.time()) + 3600, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    # Not `jwt.encode`: it refuses to sign some of what must be refused here.
    return jwt.api_jws.encode(json.dumps(kept).encode(), secret, "HS256")


def status_with(backend: Backend, headers: dict[str, str]) -> int:
    """Return the status of a request with these headers."""
    return backend.client(headers=headers).post("threads.list").status_code


def test_two_browsers_do_not_see_each_other(backend: Backend) -> None:
    """Each has an identity of its own, and reaches its own threads with the cookie alone."""
    with browser(backend) as first, browser(backend) as second:
        assert become_guest(first)["user"] != become_guest(second)["user"]
        thread_id = client_with(backend, first).create_thread("Hi").thread_id
        own = client_with(backend, first).call("threads.list")["data"]
        assert [thread["id"] for thread in own] == [thread_id]
        other = client_with(backend, second)
        assert other.call("threads.list")["data"] == []
        foreign = other.post("threads.get_by_id", thread_id=thread_id)
        unknown = other.post("threads.get_by_id", thread_id="thr_unknown")
        assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_token_and_cookie_are_the_same_user(backend: Backend) -> None:
    """The token in the body reaches the threads of the cookie; alone, each is enough."""
    with browser(backend) as visitor:
        identity = become_guest(visitor)
        thread_id = client_with(backend, visitor).create_thread("Hi").thread_id
    bearer = backend.client(headers={"Authorization": f"bearer {identity['token']}"})
    assert bearer.call("threads.get_by_id", thread_id=thread_id)["id"] == thread_id


@pytest.mark.parametrize("cookies", ["theme=dark; guest={}; a=b", 'x="; guest=1"; guest={}'])
def test_cookie_among_others_is_found(backend: Backend, cookies: str) -> None:
    """The page may have more cookies."""
    with browser(backend) as visitor:
        token = become_guest(visitor)["token"]
    assert status_with(backend, {"Cookie": cookies.format(token)}) == 200


def test_renewal_keeps_the_threads(backend: Backend, auth_env: dict[str, str]) -> None:
    """An identity that is about to expire is exchanged for one of the same user."""
    with browser(backend) as visitor:
        first = become_guest(visitor)
        thread_id = client_with(backend, visitor).create_thread("Hi").thread_id
        ending = sign(auth_env["GUEST_SECRET"], sub=first["user"]["id"], exp=time.time() + 30)
    for headers in ({"Cookie": f"guest={ending}"}, {"Authorization": f"Bearer {ending}"}):
        with browser(backend, **headers) as later:
            renewed = become_guest(later)
            assert renewed["user"] == first["user"]
            assert renewed["expires_at"] > time.time() + 29 * 86_400
            found = client_with(backend, later).call("threads.get_by_id", thread_id=thread_id)
            assert found["id"] == thread_id


def test_expired_identity_is_not_renewed(backend: Backend, auth_env: dict[str, str]) -> None:
    """Its token is refused; a browser that still has its cookie becomes someone new."""
    expired = sign(auth_env["GUEST_SECRET"], sub="guest_late", exp=time.time() - 1)
    with browser(backend) as visitor:
        refused = visitor.post("/auth/guest", headers={"Authorization": f"Bearer {expired}"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        assert become_guest(visitor, Cookie=f"guest={expired}")["user"]["id"] != "guest_late"
    assert status_with(backend, {"Cookie": f"guest={expired}"}) == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "guest="},
        {"Cookie": "guest=garbage"},
        {"Cookie": "guest=a.b.c; guest"},
        {"Cookie": f"guest={'x' * 30_000}"},
        {"Cookie": "guest=\xff\xfe"},
        {"Cookie": f"guest={base64.b64encode(b'[' * 20_000).decode()}.e30.e30"},
        {"Cookie": "user=alice; session=alice"},
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_no_identity_is_401(backend: Backend, headers: dict[str, str]) -> None:
    """Nothing but a signed identity is accepted."""
    response = httpx.post(
        backend.url,
        json={"type": "threads.list", "params": {}},
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        trust_env=False,
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("changes", [{"exp": None}, {"sub": None}, {"sub": 7}, {"exp": 1}], ids=str)
def test_wrong_claims_are_401(
    backend: Backend, auth_env: dict[str, str], changes: dict[str, Any]
) -> None:
    """A token with a valid signature and invalid claims is rejected."""
    token = sign(auth_env["GUEST_SECRET"], **changes)
    assert status_with(backend, {"Authorization": f"Bearer {token}"}) == 401


def test_forged_identities_are_401(backend: Backend) -> None:
    """A token signed with another secret, or with none, is rejected, in either place."""
    unsigned = jwt.encode({"sub": "alice", "exp": time.time() + 3600}, "", algorithm="none")
    for token in (sign(ANOTHER_SECRET), unsigned):
        assert status_with(backend, {"Authorization": f"Bearer {token}"}) == 401
        assert status_with(backend, {"Cookie": f"guest={token}"}) == 401


def test_wrong_token_is_401_although_the_cookie_is_right(backend: Backend) -> None:
    """A request is never answered as someone else than the one that its token names."""
    with browser(backend) as visitor:
        cookie = f"guest={become_guest(visitor)['token']}"
    assert status_with(backend, {"Cookie": cookie, "Authorization": "Bearer garbage"}) == 401
    # What a proxy asks for has nothing to do with guests.
    assert status_with(backend, {"Cookie": cookie, "Authorization": "Basic YTpi"}) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_other_pages_do_not_replace_the_cookie(backend: Backend, origin: str) -> None:
    """A page of another site cannot make the browser someone new, or read who it is."""
    with browser(backend) as visitor:
        refused = visitor.post("/auth/guest", headers={"Origin": origin})
        assert refused.status_code == 403
        assert "set-cookie" not in refused.headers
        assert "access-control-allow-origin" not in refused.headers
        page = visitor.post("/auth/guest", headers={"Origin": "http://localhost:5173"})
        assert page.headers["access-control-allow-origin"] == "http://localhost:5173"
        assert page.headers["access-control-allow-credentials"] == "true"


def test_form_is_refused(backend: Backend) -> None:
    """Browsers send a form without asking; JSON, and no body at all, are accepted."""
    with browser(backend) as visitor:
        assert visitor.post("/auth/guest", data={"a": "b"}).status_code == 415
        assert visitor.post("/auth/guest", json={}).status_code == 200
        assert visitor.post("/auth/guest").status_code == 200


def test_new_identities_are_limited_per_address(start_backend: StartBackend) -> None:
    """One too many is refused; renewing one, and another address, are not."""
    backend = start_backend(GUEST_RATE_LIMIT="2/hour")
    with browser(backend) as visitor, browser(backend) as second, browser(backend) as third:
        first = become_guest(visitor)
        become_guest(second)
        refused = third.post("/auth/guest")
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            429,
            "too_many_identities",
        )
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert become_guest(visitor)["user"] == first["user"]
        become_guest(third, **{"X-Forwarded-For": "192.0.2.7"})


@pytest.mark.parametrize("secret", ["short", "change-me-" * 8])
def test_secrets_that_can_be_guessed_are_refused(secret: str) -> None:
    """The backend does not start with a short secret, or with the example's."""
    with pytest.raises(ValidationError, match=r"needs at least 32 bytes|is still a placeholder"):
        AuthSettings(guest_secret=SecretStr(secret))


def test_no_identities_from_the_command_line_in_production() -> None:
    """In production only the backend issues identities."""
    settings = AuthSettings(app_env="production", guest_secret=SecretStr(ANOTHER_SECRET))
    with pytest.raises(StartupError, match="APP_ENV=production does not issue identities"):
        local_token("alice", settings)


def test_production(start_backend: StartBackend) -> None:
    """The cookie is for HTTPS only, and the page at `/` for development only."""
    backend = start_backend(APP_ENV="production", ALLOWED_HOSTS="chat.example", GUEST_TTL="0.5")
    with browser(backend) as visitor:
        cookie = visitor.post("/auth/guest").headers["set-cookie"]
    assert cookie.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure")
    page = backend.start_page(Host="chat.example")
    assert page.status_code == 404
    assert page.headers["strict-transport-security"].startswith("max-age=")
