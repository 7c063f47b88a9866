"""A user of the backend: whose headers the proxy adds, and whose cookies it keeps."""

import ssl
from collections.abc import Mapping
from typing import Any

from chatkit_scaffold.conformance.credentials import split_headers
from chatkit_scaffold.protocol.exchange import Exchange, dig, text_at
from chatkit_scaffold.protocol.limits import Limits
from chatkit_scaffold.protocol.session import HttpSession, Relay
from chatkit_scaffold.protocol.upload import Upload, read_descriptor

LIMITS = Limits(read_timeout=600, connect_timeout=10, exchange_timeout=3600)
"""Longer than those of `check`: a person waits as long as they like, and presses stop."""
_KEPT_UPLOADS = 100
_SHORTEST_SECRET = 6


class User:
    """A user of the backend.

    Args:
        name: `first` or `second`.
        url: The endpoint.
        headers: Sent with every request; never shown.
        trusted: Whose certificates to trust; see `tls.trust`.

    Raises:
        ScaffoldError: The URL or a header is not valid.
    """

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        *,
        trusted: ssl.SSLContext | None,
    ) -> None:
        self.name = name
        self.url = url
        self.headers = dict(headers)
        self._trusted = trusted
        self._http = self._session(url, self.headers)
        self._uploads: dict[str, tuple[Upload, str]] = {}

    def _session(self, url: str, headers: Mapping[str, str]) -> HttpSession:
        # Without `Origin`, as from any program: which pages may call the backend is for
        # `check` to find out, and a page's origin can be passed as a header.
        return HttpSession(url, headers, origin=None, limits=LIMITS, trusted=self._trusted)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def send(
        self,
        exchange: Exchange,
        content: bytes,
        *,
        language: str,
        streaming: bool,
        relay: Relay,
    ) -> None:
        """Send a request of the page and record the response in *exchange*; see `HttpSession`."""
        await self._http.send(
            exchange,
            content,
            method="POST",
            headers={"accept-language": language} if language else None,
            watch=None,
            streaming=streaming,
            within=LIMITS.exchange_timeout,
            relay=relay,
        )

    def note_upload(self, exchange: Exchange) -> None:
        """Remember where the backend wants the file of a new attachment."""
        attachment = text_at(exchange.json, "id") if exchange.ok else None
        descriptor: Any = dig(exchange.json, "upload_descriptor")
        upload = read_descriptor(descriptor, self.url) if descriptor else None
        if attachment is None or upload is None:
            return
        self._uploads[attachment] = upload, text_at(exchange.json, "name") or "file"
        while len(self._uploads) > _KEPT_UPLOADS:
            del self._uploads[next(iter(self._uploads))]

    def upload_for(self, attachment: str) -> tuple[Upload, str] | None:
        """Return where the backend wants a file, and its name; None if it has not asked for it."""
        return self._uploads.get(attachment)

    async def upload(self, upload: Upload, name: str, media_type: str, content: bytes) -> Exchange:
        """Send a file where the backend wants it; return the last response.

        Credentials go to the origin of the endpoint only.

        Raises:
            ScaffoldError: The URL or a header of the backend cannot be used.
        """
        own = self._all_headers() if upload.same_origin else {}
        session = self._session(upload.url, {**own, **upload.headers})
        exchange = Exchange("")
        try:
            for body, kind in upload.bodies(name, media_type, content):
                exchange = Exchange("", operation="upload")
                await session.send(
                    exchange,
                    body,
                    method=upload.method,
                    headers=kind,
                    watch=None,
                    streaming=False,
                    within=LIMITS.read_timeout,
                )
                if exchange.ok or exchange.error:
                    break
        finally:
            await session.close()
        return exchange

    def without_secrets(self, text: str) -> str:
        """Return a text about the backend without the user's credentials."""
        for one in split_headers(self._all_headers())[1]:
            for secret in (one.secret, one.value):
                if len(secret) >= _SHORTEST_SECRET:
                    text = text.replace(secret, "…")
        return text

    def _all_headers(self) -> dict[str, str]:
        """Return the headers with the cookies of this moment, which the backend may have set."""
        sent = {name: value for name, value in self.headers.items() if name.lower() != "cookie"}
        cookies = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        return {**sent, **({"Cookie": cookies} if cookies else {})}
