"""The upload of an attachment, as a server's upload descriptor asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from chatkit_scaffold.protocol.exchange import dig, text_at

_BOUNDARY = "chatkit-scaffold"
_FORBIDDEN = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
_FORBIDDEN_PREFIXES = ("proxy-", "sec-")
"""Headers that a browser never takes from a page, so that another server can trust them.

Source: Fetch Standard, "forbidden request-header".
"""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Upload:
    """Where and how a server wants the bytes of a file.

    Attributes:
        url: An absolute URL.
        method: `POST` or `PUT`.
        headers: What the server wants to be sent, as far as a browser would.
        same_origin: Whether the URL has the origin of the endpoint. No other may get the user's
            credentials.
    """

    url: str
    method: str
    headers: dict[str, str]
    same_origin: bool

    def bodies(
        self, name: str, media_type: str, content: bytes
    ) -> Iterator[tuple[bytes, dict[str, str]]]:
        """Return the file as the body of a request, with its content type as a header.

        For POST as a form first, and then as it is: servers want one or the other.
        """
        # The descriptor's own content type is part of a signed URL.
        is_typed = "content-type" in map(str.lower, self.headers)
        for body, kind in _bodies(self.method, name, media_type, content):
            yield body, {} if is_typed else {"content-type": kind}


def read_descriptor(descriptor: Any, endpoint: str) -> Upload | None:
    """Return what an `upload_descriptor` asks for; None if it has no valid URL.

    Args:
        descriptor: Of the response to `attachments.create`.
        endpoint: The URL that a relative one belongs to.
    """
    try:
        url = urljoin(endpoint, text_at(descriptor, "url") or "")
        same_origin = _origin(url) == _origin(endpoint)
    except ValueError:
        return None
    named = dig(descriptor, "headers")
    headers = {
        name: value
        for name, value in (named.items() if isinstance(named, dict) else ())
        if isinstance(value, str) and _may_be_sent(name.lower())
    }
    method = "PUT" if dig(descriptor, "method") == "PUT" else "POST"
    return Upload(url, method, headers, same_origin)


def _may_be_sent(name: str) -> bool:
    return name not in _FORBIDDEN and not name.startswith(_FORBIDDEN_PREFIXES)


def _bodies(method: str, name: str, media_type: str, content: bytes) -> list[tuple[bytes, str]]:
    plain = [(content, media_type)]
    if method == "PUT":
        return plain
    quoted = "".join(" " if char in '"\r\n' else char for char in name)
    disposition = f'Content-Disposition: form-data; name="file"; filename="{quoted}"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: {media_type}\r\n\r\n"
    form = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return [(form, f"multipart/form-data; boundary={_BOUNDARY}"), *plain]


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; only a URL with the same three is the same server.

    Raises:
        ValueError: It is not a URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
