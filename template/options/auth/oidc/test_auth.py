"""A token of the issuer signs in its user; everything else is rejected."""

import base64
import hashlib
import hmac
import json
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request

from app.auth import LEEWAY, AuthSettings, open_auth
from app.base import Authenticator, ChatStore
from app.commands import token as command
from app.errors import ApiError, StartupError
from app.settings import load_settings
from tests.backend import Backend, StartBackend
from tests.services.auth import AUDIENCE, JWKS, LocalIssuer, SigningKey


def request_with(backend: Backend, token: str) -> httpx.Response:
    """Send a request with this token."""
    return backend.client(headers={"Authorization": f"Bearer {token}"}).post("threads.list")


def status_with(backend: Backend, token: str) -> int:
    """Return the status of a request with this token."""
    return request_with(backend, token).status_code


def encode(part: bytes) -> str:
    """Encode a part of a token."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def forge(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """Sign a token with a secret (HS256), which PyJWT refuses if it is a public key."""
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


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


@pytest.mark.parametrize("number", range(3))
def test_each_kind_of_key_is_accepted(
    backend: Backend, auth_service: LocalIssuer, number: int
) -> None:
    """RS256, ES256 and EdDSA."""
    assert status_with(backend, auth_service.token(key=auth_service.keys[number])) == 200


@pytest.mark.parametrize("headers", [{"kid": None}, {"typ": None}, {"typ": "at+jwt", "x5t": "a"}])
def test_unusual_headers_are_accepted(
    backend: Backend, auth_service: LocalIssuer, headers: dict[str, Any]
) -> None:
    """Without `kid` the only key for the algorithm counts; `typ` is optional."""
    assert status_with(backend, auth_service.token(headers=headers)) == 200


def test_order_and_spaces_of_the_header_do_not_matter(
    backend: Backend, auth_service: LocalIssuer
) -> None:
    """What is signed is the text that was sent."""
    key = auth_service.keys[0]
    header = json.dumps({"typ": "JWT", "kid": key.kid, "alg": key.algorithm}, indent=4)
    signed = f"{encode(header.encode())}.{encode(json.dumps(auth_service.claims()).encode())}"
    signer = jwt.get_algorithm_by_name(key.algorithm)
    token = f"{signed}.{encode(signer.sign(signed.encode(), key.private))}"
    assert status_with(backend, token) == 200


def test_foreign_signatures_are_401(backend: Backend, auth_service: LocalIssuer) -> None:
    """A key of someone else's, even with a name that the issuer uses."""
    for known in auth_service.keys:
        foreign = SigningKey(known.algorithm, known.kid)
        assert status_with(backend, auth_service.token(key=foreign)) == 401


def test_altered_tokens_are_401(backend: Backend, auth_service: LocalIssuer) -> None:
    """Other claims under the same signature."""
    header, _, signature = auth_service.token().split(".")
    claims = encode(json.dumps(auth_service.claims(sub="bob")).encode())
    assert status_with(backend, f"{header}.{claims}.{signature}") == 401


def test_the_key_decides_the_algorithm(backend: Backend, auth_service: LocalIssuer) -> None:
    """No token is verified with a key for another algorithm."""
    for key in auth_service.keys:
        for other in auth_service.keys:
            if other is not key:
                headers = {"kid": other.kid}
                assert status_with(backend, auth_service.token(key=key, headers=headers)) == 401


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "PS256", None, 7, []])
def test_other_algorithms_are_401(
    backend: Backend, auth_service: LocalIssuer, algorithm: object
) -> None:
    """Above all not `none`, which is no signature."""
    header = {"alg": algorithm, "kid": auth_service.keys[0].kid}
    unsigned = forge(header, auth_service.claims(), b"").rpartition(".")[0]
    for token in (f"{unsigned}.", f"{unsigned}.AAAA"):
        assert status_with(backend, token) == 401


@pytest.mark.parametrize("number", range(3))
def test_the_public_key_is_no_secret(
    backend: Backend, auth_service: LocalIssuer, number: int
) -> None:
    """Everyone has it, so a token signed with it as an HMAC key is rejected."""
    key = auth_service.keys[number]
    public = key.private.public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(key.public_jwk).encode(),
    ]
    for algorithm in ("HS256", key.algorithm):
        header = {"alg": algorithm, "kid": key.kid}
        tokens = [forge(header, auth_service.claims(), secret) for secret in secrets]
        assert [status_with(backend, token) for token in tokens] == [401] * 3


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


@pytest.fixture
def print_header(
    monkeypatch: pytest.MonkeyPatch,
    store_env: dict[str, str],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
) -> Callable[..., None]:
    """Return a function that runs the command `token` with more environment variables."""

    def run(**environment: str) -> None:
        settings = {**store_env, **agent_env, **auth_env, **environment}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        command.run(load_settings(), Namespace(user="alice"))

    return run


def test_the_command_signs_in(
    backend: Backend, print_header: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """In development, the local issuer signs a token for anyone."""
    print_header()
    name, _, value = capsys.readouterr().out.strip().partition(": ")
    assert backend.client(headers={name: value}).post("threads.list").status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"OIDC_ISSUER": "https://login.example.com"}, "is not a local issuer for development"),
        ({"OIDC_ISSUER": "http://127.0.0.1:9"}, "start the local one: uv run python -m tests"),
        ({"OIDC_ISSUER": "https://127.0.0.1", "APP_ENV": "production"}, "is not a local issuer"),
    ],
)
def test_the_command_is_for_local_issuers(
    print_header: Callable[..., None], changes: dict[str, str], reason: str
) -> None:
    """Real issuers sign in users on the page; the command says so in one sentence."""
    with pytest.raises(StartupError, match=reason) as raised:
        print_header(**changes)
    assert str(raised.value).startswith(f"OIDC_ISSUER={changes['OIDC_ISSUER']} ")


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
