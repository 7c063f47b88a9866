"""Reads what the issuer publishes: its configuration and its keys."""

import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""All of them are asymmetric: who knows what the issuer publishes cannot sign with it."""

DEADLINE = 5.0
"""Seconds in which the issuer has to answer; requests with a token may wait for it."""

MAX_BYTES = 262_144
"""The largest document that is read; real ones have a few thousand bytes."""


class IssuerError(Exception):
    """The issuer does not answer as it should; the text says what is wrong."""


class Issuer:
    """The documents of one issuer.

    Args:
        url: What `iss` must be.
        jwks_url: Where its keys are; by default, its configuration says it.
        allow_http: Whether loopback addresses may be reached without encryption.
        client: Sends the requests. It must not follow redirects: they could lead anywhere.
    """

    def __init__(
        self, url: str, jwks_url: str | None, *, allow_http: bool, client: httpx2.AsyncClient
    ) -> None:
        self._url = url
        self._jwks_url = jwks_url
        self._allow_http = allow_http
        self._client = client

    async def load_keys(self) -> list[jwt.PyJWK]:
        """Return the keys that may verify tokens.

        Raises:
            IssuerError: There are none, or the issuer does not answer in time.
        """
        try:
            with anyio.fail_after(DEADLINE):
                url = self._jwks_url or await self.endpoint("jwks_uri")
                keys = usable_keys(await self._read(url))
        except TimeoutError:
            raise IssuerError(f"{self._url} took more than {DEADLINE:g} seconds") from None
        if not keys:
            raise IssuerError(f"{url} has no public key for {', '.join(ALGORITHMS)}")
        return keys

    async def endpoint(self, name: str) -> str:
        """Return an address that the issuer's configuration gives (OpenID Connect Discovery).

        Raises:
            IssuerError: It gives none that may be used, or is the configuration of another issuer.
        """
        url = f"{self._url.rstrip('/')}/.well-known/openid-configuration"
        configuration = await self._read(url)
        if (issuer := configuration.get("issuer")) != self._url:
            raise IssuerError(f"OIDC_ISSUER is {self._url}, but {url} says {str(issuer)[:200]}")
        found = configuration.get(name)
        if not isinstance(found, str) or problem_with(found, allow_http=self._allow_http):
            raise IssuerError(f"{url} has no {name} with https: {str(found)[:200]}")
        return found

    async def _read(self, url: str) -> dict[str, Any]:
        """Read a JSON object."""
        body = bytearray()
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != httpx2.codes.OK:
                    raise IssuerError(f"{url} answered with status {response.status_code}")
                # As it was sent: what is compressed could become larger than the limit at once.
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise IssuerError(f"{url} has more than {MAX_BYTES} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise IssuerError(f"{url} cannot be read: {error or type(error).__name__}") from None
        try:
            document = json.loads(bytes(body))
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise IssuerError(f"{url} is not a JSON object")
        return document


@asynccontextmanager
async def open_issuer(url: str, jwks_url: str | None, *, allow_http: bool) -> AsyncIterator[Issuer]:
    """Open a client for the issuer; it sends nothing yet."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(
        headers=headers, timeout=DEADLINE, follow_redirects=False
    ) as client:
        yield Issuer(url, jwks_url, allow_http=allow_http, client=client)


def usable_keys(document: dict[str, Any]) -> list[jwt.PyJWK]:
    """Return the keys of a JWK set with which tokens may be verified; others are left out."""
    entries = document.get("keys")
    keys = [_usable_key(entry) for entry in entries] if isinstance(entries, list) else []
    return [key for key in keys if key is not None]


def _usable_key(entry: object) -> jwt.PyJWK | None:
    """Return a public key of sufficient length whose type, use and algorithm allow it."""
    if not isinstance(entry, dict) or "d" in entry or entry.get("use", "sig") != "sig":
        return None
    try:
        if "verify" not in entry.get("key_ops", ["verify"]):
            return None
        # It is bound to one algorithm, its `alg` or the one of its type, and refuses all others.
        key = jwt.PyJWK(entry)
        weak = key.Algorithm.check_key_length(key.key)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    return None if weak or key.algorithm_name not in ALGORITHMS else key


def problem_with(url: str, *, allow_http: bool) -> str | None:
    """Return why *url* is not an address to trust keys from, or None."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not a valid URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not a URL such as https://login.example.com"
    if parts.username is not None or parts.query or parts.fragment:
        return "has a user name, a query or a fragment"
    if parts.scheme == "http" and not (allow_http and is_loopback(url)):
        return "must use https; http is for loopback addresses in development"
    return None


def is_loopback(url: str) -> bool:
    """Return whether *url* leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
