"""URLs that users pass."""

from urllib.parse import urlsplit, urlunsplit

import httpx

from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.text import shorten


def shown_url(url: str) -> str:
    """Return a URL without a user name, a password and the values of a query, safe to print."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, query="…" if parts.query else ""))


def valid_url(url: str) -> str:
    """Return *url* if it is an absolute HTTP URL.

    Raises:
        ScaffoldError: It is not.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        httpx.URL(url)
        _ = parts.port
    except (ValueError, httpx.InvalidURL):
        valid = False
    if not valid:
        raise ScaffoldError(
            f"{shorten(url)!r} is not a valid HTTP URL",
            hint="Pass the full URL of the endpoint, such as http://127.0.0.1:8000/chatkit.",
        )
    return url
