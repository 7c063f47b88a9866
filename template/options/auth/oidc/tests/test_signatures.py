"""A token counts if one of the issuer's keys signed it, with the algorithm of this key."""

import json
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.backend import Backend
from tests.bearer import encode, forge, status_with
from tests.services.auth import LocalIssuer, SigningKey

RS256 = encode(b'{"alg": "RS256"}')
"""The header of a token without `kid`."""


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


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "e30.e30.",
        "e30.e30.e30",
        "e30.Z2FyYmFnZQ.",
        "e30.e30.e30.e30.e30",
        encode(b'{"alg": "RS256", "kid": 7}') + ".e30.AAAA",
        encode(b'{"alg": "RS256", "kid": ["1"]}') + ".e30.AAAA",
        encode(b'{"alg": "RS256", "b64": false, "crit": ["b64"]}') + "..AAAA",
        encode(b"[" * 10_000) + ".e30.AAAA",
        RS256 + "." + encode(b"[" * 10_000) + ".AAAA",
        RS256 + "." + encode(b'{"exp": 1e999}') + ".AAAA",
        RS256 + "." + encode(b'{"exp": 1e999, "iss": {}, "aud": {}, "sub": []}') + ".AAAA",
        "\xff.\xff.\xff",
    ],
    ids=lambda token: token[:20].encode("unicode_escape").decode(),
)
def test_malformed_tokens_are_401(backend: Backend, token: str) -> None:
    """Whatever a token is made of, it is no error of the backend's."""
    authorization = f"Bearer {token}".encode("latin-1")
    response = httpx.post(
        backend.url, headers={b"Authorization": authorization}, json={}, trust_env=False
    )
    assert response.status_code == 401
