"""What an issuer publishes is used only if it is what it should be."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import ValidationError

from app import issuer as module
from app.auth import AuthSettings
from app.issuer import IssuerError, open_issuer, usable_keys
from tests.backend import bare_environment
from tests.services.auth import AUDIENCE, CONFIGURATION, JWKS, LocalIssuer, SigningKey

RSA, EC, ED25519 = (SigningKey(algorithm).public_jwk for algorithm in ("RS256", "ES256", "EdDSA"))


async def load(issuer: LocalIssuer, jwks_url: str | None = None) -> list[jwt.PyJWK]:
    """Load the keys as the backend does."""
    async with open_issuer(issuer.url, jwks_url, allow_http=True) as opened:
        return await opened.load_keys()


@pytest.mark.anyio
async def test_keys_are_found_by_discovery_or_at_their_address(issuer: LocalIssuer) -> None:
    """OIDC_JWKS_URL makes the issuer's configuration unnecessary."""
    assert [key.key_id for key in await load(issuer)] == [issuer.keys[0].kid]
    assert issuer.requests == [CONFIGURATION, JWKS]
    assert [key.key_id for key in await load(issuer, issuer.url + JWKS)] == [issuer.keys[0].kid]
    assert issuer.requests == [CONFIGURATION, JWKS, JWKS]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "status", "headers", "body", "reason"),
    [
        (CONFIGURATION, 404, {}, b"", "answered with status 404"),
        (CONFIGURATION, 200, {}, b"<html>", "is not a JSON object"),
        (CONFIGURATION, 200, {}, b"[" * 100_000, "is not a JSON object"),
        (CONFIGURATION, 200, {}, b'{"issuer": "https://evil.example"}', "says https://evil"),
        (JWKS, 302, {"Location": "http://127.0.0.1:9/jwks"}, b"", "answered with status 302"),
        (JWKS, 200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08", "is not a JSON object"),
        (JWKS, 200, {}, b" " * 300_000, "has more than 262144 bytes"),
        (JWKS, 200, {}, b'{"keys": []}', "has no public key for RS256, ES256, EdDSA"),
        (JWKS, 200, {}, b'{"keys": {"kty": "RSA"}}', "has no public key"),
    ],
)
async def test_wrong_answers_are_refused(
    issuer: LocalIssuer,
    path: str,
    status: int,
    headers: dict[str, str],
    body: bytes,
    reason: str,
) -> None:
    """The error says which address answered, and what is wrong."""
    issuer.replies[path] = (status, headers, [body])
    with pytest.raises(IssuerError, match=reason) as raised:
        await load(issuer)
    assert issuer.url in str(raised.value)


@pytest.mark.anyio
@pytest.mark.parametrize("uri", ["http://evil.example/jwks", "file:///etc/passwd", "", 7, None])
async def test_keys_are_not_read_from_unsafe_addresses(issuer: LocalIssuer, uri: object) -> None:
    """Whatever a configuration says, keys come over https, or from this machine."""
    configuration = json_of(issuer=issuer.url, jwks_uri=uri)
    issuer.replies[CONFIGURATION] = (200, {}, [configuration])
    with pytest.raises(IssuerError, match="has no jwks_uri with https"):
        await load(issuer)


def json_of(**document: object) -> bytes:
    """Return a document as it is sent."""
    return json.dumps(document).encode()


@pytest.mark.anyio
async def test_a_slow_issuer_is_given_up(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has one deadline for the whole answer, however often it sends a byte."""
    monkeypatch.setattr(module, "DEADLINE", 0.2)
    given_up = threading.Event()

    def trickle() -> Iterator[bytes]:
        while not given_up.wait(0.02):
            yield b" "

    issuer.replies[JWKS] = (200, {}, trickle())
    try:
        with pytest.raises(IssuerError, match=r"took more than 0\.2 seconds"):
            await load(issuer)
    finally:
        given_up.set()


@pytest.mark.parametrize(
    "jwk",
    [
        {**RSA, "use": "enc"},
        {**RSA, "alg": "RSA-OAEP"},
        {**RSA, "alg": "RS512"},
        {**RSA, "alg": "HS256"},
        {**RSA, "alg": "ES256"},
        {**RSA, "kty": "EC"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": 7},
        {**RSA, "n": 7},
        {**RSA, "alg": ["RS256"]},
        {**RSA, "d": "AQAB"},
        {**EC, "crv": "P-384"},
        {**EC, "x": ED25519["x"], "y": ED25519["x"]},
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 64).decode(), "kid": "1"},
        {"kid": "1"},
        "RSA",
        RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
        ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True),
    ],
    ids=str,
)
def test_unsuitable_keys_are_left_out(jwk: Any) -> None:
    """A key of another kind, use, algorithm or length verifies nothing, and spoils no other."""
    assert [key.key_id for key in usable_keys({"keys": [jwk, EC]})] == [EC["kid"]]


@pytest.mark.parametrize("jwk", [RSA, EC, ED25519], ids=lambda jwk: str(jwk["alg"]))
@pytest.mark.parametrize("absent", ["alg", "use", "kid"])
def test_optional_parameters_may_be_absent(jwk: dict[str, Any], absent: str) -> None:
    """Some issuers publish only what identifies the key; others add certificates."""
    odd = {name: value for name, value in jwk.items() if name != absent}
    [key] = usable_keys({"keys": [{**odd, "x5c": ["MII="], "key_ops": ["verify"]}]})
    assert key.algorithm_name == jwk["alg"]


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("oidc_issuer", "https://change-me.example.com", "is still the placeholder"),
        ("oidc_audience", "change-me", "is still the placeholder"),
        ("oidc_issuer", "login.example.com", "is not a URL such as"),
        ("oidc_issuer", "http://login.example.com", "must use https"),
        ("oidc_issuer", "http://127.0.0.1.example.com", "must use https"),
        ("oidc_issuer", "https://user:pass@login.example.com", "has a user name"),
        ("oidc_issuer", "https://login.example.com?tenant=1", "has a user name, a query"),
        ("oidc_issuer", "https://login.example.com:x", "is not a valid URL"),
        ("oidc_jwks_url", "http://login.example.com/jwks", "must use https"),
    ],
)
def test_wrong_settings_are_refused(variable: str, value: str, reason: str) -> None:
    """The backend does not start with an example's values or an address without encryption."""
    right = {"oidc_issuer": "https://login.example.com/", "oidc_audience": AUDIENCE}
    assert AuthSettings.model_validate(right).oidc_issuer == right["oidc_issuer"]
    with pytest.raises(ValidationError, match=reason):
        AuthSettings.model_validate({**right, variable: value})


def test_loopback_needs_no_encryption_in_development() -> None:
    """In production it does: there, another program of the machine could answer."""
    local = {"oidc_issuer": "http://localhost:9000", "oidc_audience": AUDIENCE}
    assert AuthSettings.model_validate(local).app_env == "development"
    with pytest.raises(ValidationError, match="must use https"):
        AuthSettings.model_validate({**local, "app_env": "production"})


def test_the_local_issuer_runs_by_itself() -> None:
    """`python -m tests.issuer` prints the lines for `.env`."""
    command = [sys.executable, "-m", "tests.issuer", "--port", "0"]
    with subprocess.Popen(
        command, env=bare_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
    assert lines[1].startswith("OIDC_ISSUER=http://127.0.0.1:")
    assert lines[2] == f"OIDC_AUDIENCE={AUDIENCE}\n"
