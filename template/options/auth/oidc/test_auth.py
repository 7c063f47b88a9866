"""A token of the issuer signs in its user; everything else is rejected."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from app.auth import LEEWAY, AuthSettings, open_auth
from app.base import Authenticator, ChatStore
from app.errors import ApiError
from tests.backend import Backend, StartBackend
from tests.bearer import forge, request_with, status_with
from tests.services.auth import AUDIENCE, JWKS, LocalIssuer, SigningKey


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer garbage", "Basic YTpi", "alice"])
def test_no_token_is_401(backend: Backend, authorization: str) -> None:
    """Anything but a bearer token is rejected."""
    headers = {"Authorization": authorization} if authorization else {}
    assert backend.client(headers=headers).post("threads.list").status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": -3600},
        {"nbf": 3600},
        {"iss": None},
        {"iss": "https://evil.example"},
        {"aud": None},
        {"aud": "another service"},
        {"aud": []},
        {"aud": [AUDIENCE, 7]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "a" * 256},
        {"filler": "a" * 16_384},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_wrong_claims_are_401(
    backend: Backend, auth_service: LocalIssuer, changes: dict[str, Any]
) -> None:
    """A token with a valid signature and invalid claims is rejected."""
    assert status_with(backend, auth_service.token(**from_now(changes))) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -LEEWAY / 2},
        {"nbf": LEEWAY / 2},
        {"aud": ["another service", AUDIENCE]},
        {"sub": "auth0|7 ü😀"},
        {"sub": "a" * 255},
        {"name": "Alice", "roles": ["admin"], "realm_access": {"roles": []}, "nonce": None},
        {"filler": "a" * 8_000},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_unusual_claims_are_accepted(
    backend: Backend, auth_service: LocalIssuer, changes: dict[str, Any]
) -> None:
    """Clocks differ a little, and issuers add audiences and claims."""
    assert status_with(backend, auth_service.token(**from_now(changes))) == 200


def from_now(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with times counted from now."""
    times = {"exp", "nbf"}
    return {
        name: value + int(time.time()) if name in times and value is not None else value
        for name, value in claims.items()
    }


def test_refusal_is_json_and_says_how_to_sign_in(
    backend: Backend, auth_service: LocalIssuer
) -> None:
    """A 401 names the scheme and nothing else, whatever is wrong."""
    wrong: list[dict[str, Any]] = [{"aud": "mail"}, {"exp": 1}, {"iss": "https://evil.example"}]
    responses = [request_with(backend, auth_service.token(**changes)) for changes in wrong]
    assert [response.status_code for response in responses] == [401] * 3
    assert {response.headers["www-authenticate"] for response in responses} == {"Bearer"}
    assert len({response.content for response in responses}) == 1
    assert responses[0].json()["error"]["code"] == "unauthorized"


def test_users_do_not_see_each_other(backend: Backend) -> None:
    """A thread of one user does not exist for another."""
    thread_id = backend.client("alice").create_thread("Hi").thread_id
    bob = backend.client("bob")
    assert thread_id not in [thread["id"] for thread in bob.call("threads.list")["data"]]
    foreign = bob.post("threads.get_by_id", thread_id=thread_id)
    unknown = bob.post("threads.get_by_id", thread_id="thr_unknown")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_the_log_says_what_does_not_fit(start_backend: StartBackend, issuer: LocalIssuer) -> None:
    """The likeliest mistake is a wrong OIDC_AUDIENCE: the log has both values."""
    backend = start_backend(**issuer())
    hs256 = forge({"alg": "HS256"}, issuer.claims(), b"secret")
    refused = [
        (issuer.token(aud=["account"]), "it is for another audience", "['account']", AUDIENCE),
        (issuer.token(aud=None), "it has no aud", "None", AUDIENCE),
        (
            issuer.token(iss=issuer.url + "/"),
            "it is of another issuer",
            issuer.url + "/",
            issuer.url,
        ),
        (hs256, "its algorithm is not accepted", "HS256", "RS256, ES256, EdDSA"),
        (issuer.token(exp=1), "it has expired", None, None),
        (issuer.token(headers={"kid": "new"}), "the issuer has no such key", "new", None),
        ("a-session-token", "it is not a signed JWT", None, None),
    ]
    for token, reason, got, expected in refused:
        assert status_with(backend, token) == 401
        entry = backend.next_log("token refused")
        assert (entry["level"], entry["reason"]) == ("warning", reason)
        assert (entry.get("got"), entry.get("expected")) == (got, expected)


@pytest.fixture
async def authenticate(issuer: LocalIssuer, store: ChatStore) -> AsyncIterator[Authenticator]:
    """The authentication of a backend for an issuer of its own."""
    settings = AuthSettings(oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
    async with open_auth(settings, store) as authenticate:
        yield authenticate


async def status_of(authenticate: Authenticator, token: str) -> int:
    """Return the status that a request with a token gets."""
    try:
        await authenticate(bearing(token))
    except ApiError as error:
        return error.status
    return 200


def bearing(token: str) -> Request:
    """Return a request with a token."""
    headers = [(b"authorization", f"bearer  {token} ".encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.anyio
async def test_the_user_has_claims_and_the_token(
    authenticate: Authenticator, issuer: LocalIssuer
) -> None:
    """Tools can act on the user's behalf."""
    token = issuer.token(sub="alice", email="alice@example.com")
    user = await authenticate(bearing(token))
    assert (user.id, user.token) == ("alice", token)
    assert user.claims["email"] == "alice@example.com"
    assert token not in repr(user)


@pytest.mark.anyio
async def test_new_keys_are_accepted_at_once(
    authenticate: Authenticator, issuer: LocalIssuer
) -> None:
    """The issuer may rotate its keys, and change their kind, while the backend runs."""
    old = issuer.token()
    assert await status_of(authenticate, old) == 200
    issuer.rotate("EdDSA")
    assert await status_of(authenticate, issuer.token()) == 200
    assert await status_of(authenticate, old) == 401


@pytest.mark.anyio
async def test_tokens_of_others_do_not_reach_the_issuer(
    authenticate: Authenticator, issuer: LocalIssuer
) -> None:
    """What can be refused without a key is; invented keys cause one load."""
    assert await status_of(authenticate, issuer.token()) == 200
    invented = SigningKey("ES256")
    wrong: list[dict[str, Any]] = [{"aud": "mail"}, {"iss": "https://evil.example"}, {"exp": 1}]
    for changes in wrong:
        assert await status_of(authenticate, issuer.token(key=invented, **changes)) == 401
    assert issuer.requests.count(JWKS) == 1
    for _ in range(10):
        assert await status_of(authenticate, issuer.token(key=SigningKey("ES256"))) == 401
    assert issuer.requests.count(JWKS) == 2


def test_the_issuer_may_be_down(start_backend: StartBackend, issuer: LocalIssuer) -> None:
    """Tokens that may be valid get a 503 meanwhile; known keys keep working."""
    issuer.stop()
    try:
        backend = start_backend(**issuer())
        assert "cannot be read" in backend.next_log("issuer failed")["reason"]
        response = request_with(backend, issuer.token())
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "issuer_unavailable"
        assert int(response.headers["retry-after"]) >= 1
        assert status_with(backend, issuer.token(aud="mail")) == 401
        assert backend.client().get("/health").status_code == 200
    finally:
        issuer.start()
    assert first_other_status(backend, issuer, 503) == 200

    known = issuer.token()
    issuer.rotate("EdDSA")
    issuer.stop()
    try:
        assert status_with(backend, issuer.token()) == 503
        assert status_with(backend, known) == 200
    finally:
        issuer.start()
    assert first_other_status(backend, issuer, 503) == 200


def first_other_status(backend: Backend, issuer: LocalIssuer, status: int) -> int:
    """Repeat a request as long as its status stays the same, for a minute at most."""
    found = status
    for _ in range(240):
        if (found := status_with(backend, issuer.token())) != status:
            break
        time.sleep(0.25)
    return found


def test_production(start_backend: StartBackend) -> None:
    """The page at `/` is for development only; browsers are to use HTTPS and the right name."""
    backend = start_backend(
        APP_ENV="production",
        ALLOWED_HOSTS="chat.example",
        OIDC_ISSUER="https://127.0.0.1:9",
    )
    page = backend.start_page(Host="chat.example")
    assert page.status_code == 404
    assert page.headers["strict-transport-security"].startswith("max-age=")
    refused = backend.start_page(Host="evil.example")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "host_not_allowed")
    # Health checks use the address.
    assert backend.client().get("/health").status_code == 200
