"""Sends tokens, and makes those that no library would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.backend import Backend


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
