"""An issuer with real keys, reached over HTTP as the real one is."""

import json
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "chat"
CONFIGURATION = "/.well-known/openid-configuration"
JWKS = "/jwks"
ISSUE = "/token"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey
Reply = tuple[int, dict[str, str], Iterable[bytes]]
"""Status, headers and body."""


@dataclass(frozen=True)
class SigningKey:
    """A key pair of the issuer; `RS256`, `ES256` and `EdDSA` are possible."""

    algorithm: str
    kid: str = field(default_factory=lambda: secrets.token_hex(8))

    @cached_property
    def private(self) -> PrivateKey:
        """The key that signs."""
        match self.algorithm:
            case "RS256":
                return rsa.generate_private_key(public_exponent=65537, key_size=2048)
            case "ES256":
                return ec.generate_private_key(ec.SECP256R1())
            case _:
                return Ed25519PrivateKey.generate()

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The key that verifies, as it is published."""
        match self.private:
            case rsa.RSAPrivateKey():
                jwk = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case ec.EllipticCurvePrivateKey():
                jwk = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case _:
                jwk = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


class LocalIssuer:
    """An issuer on a loopback address that signs whatever it is asked to.

    Attributes:
        keys: What it publishes; the first one signs.
        replies: What it sends instead of the real documents, by path.
        requests: The paths that were asked for, in order.
    """

    def __init__(self, *algorithms: str, port: int = 0) -> None:
        self.keys = [SigningKey(algorithm) for algorithm in algorithms]
        self.replies: dict[str, Reply] = {}
        self.requests: list[str] = []
        self.port = port
        self.start()

    def __call__(self) -> dict[str, str]:
        """Return the environment in which the backend accepts this issuer's tokens."""
        return {"OIDC_ISSUER": self.url, "OIDC_AUDIENCE": AUDIENCE}

    @property
    def url(self) -> str:
        """What `iss` is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer requests, at the same address as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, self))
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self, algorithm: str) -> SigningKey:
        """Replace all keys with a new one."""
        self.keys = [SigningKey(algorithm)]
        return self.keys[0]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a valid token with *changes*; None takes a claim away."""
        valid = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": int(time.time()) + 3600}
        return {name: value for name, value in {**valid, **changes}.items() if value is not None}

    def token(
        self,
        *,
        key: SigningKey | None = None,
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Sign the claims of a valid token.

        Args:
            key: Signs it; by default, the first one.
            headers: Changes to its header; None takes a parameter away.
            changes: Changes to its claims; None takes a claim away.
        """
        key = key or self.keys[0]
        header = {"kid": key.kid, **(headers or {})}
        # Not `jwt.encode`: it refuses to sign some of what must be refused here.
        return jwt.api_jws.encode(
            json.dumps(self.claims(**changes)).encode(),
            key.private,
            key.algorithm,
            {name: value for name, value in header.items() if value is not None or name == "typ"},
        )

    def reply(self, path: str, form: str) -> Reply:
        """Return the answer to a request."""
        self.requests.append(path)
        if path in self.replies:
            return self.replies[path]
        if path == CONFIGURATION:
            return _json(
                issuer=self.url,
                jwks_uri=self.url + JWKS,
                token_endpoint=self.url + ISSUE,
            )
        if path == JWKS:
            return _json(keys=[key.public_jwk for key in self.keys])
        if path == ISSUE:
            fields = {name: values[0] for name, values in parse_qs(form).items()}
            return _json(access_token=self.token(sub=fields["client_id"], aud=fields["audience"]))
        return 404, {}, []


def _json(**document: object) -> Reply:
    return 200, {"Content-Type": "application/json"}, [json.dumps(document).encode()]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, issuer: LocalIssuer, *connection: Any) -> None:
        self._issuer = issuer
        super().__init__(*connection)

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, form: str) -> None:
        status, headers, body = self._issuer.reply(self.path, form)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for chunk in body:
                self.wfile.write(chunk)
        except ConnectionError:
            self.close_connection = True  # The client has read enough.

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def running(folder: Path) -> Iterator[LocalIssuer]:
    """Run an issuer with a key of each kind."""
    issuer = LocalIssuer("RS256", "ES256", "EdDSA")
    try:
        yield issuer
    finally:
        issuer.stop()
