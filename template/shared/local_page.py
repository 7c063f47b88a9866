"""Recognizes requests of this backend's own page, in a browser on the same machine."""

from fastapi import Request

from app.errors import ApiError
from app.hosts import Hosts
from app.senders import is_loopback, senders

_LOCAL_NAMES = Hosts(["localhost", "*.localhost", "127.0.0.1", "[::1]"])


def check_local_page(request: Request) -> None:
    """Reject all other requests.

    A page cannot choose its `Sec-Fetch-Site`: browsers set it. But another site can point its
    own name at this machine, and its page is then of the same origin: only `Host` shows it.

    Raises:
        ApiError: 403, the request is from another machine, another page or another program.
    """
    same_origin = request.headers.get("sec-fetch-site") == "same-origin"
    if not (same_origin and _LOCAL_NAMES.owns(request.scope)):
        raise ApiError(403, "not_own_page", "Open the page as http://localhost, with its port.")
    if not all(map(is_loopback, senders(request))):
        raise ApiError(403, "not_local", "Tokens are for browsers on the backend's machine only.")
