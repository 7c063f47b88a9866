"""Which pages may call this backend, and which may only write to it.

Browsers ask for permission (CORS) before a page of another origin sends JSON, or reads a response.
They do not ask before every request, so the origin of those that arrive is checked as well.
"""

import re
from collections.abc import Sequence

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Send

from app.common_settings import CommonSettings
from app.errors import ApiError
from app.hosts import Hosts, host_of
from app.logs import log

_LOOPBACK = re.compile(
    r"https?://(([a-z\d-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?",
    re.ASCII | re.IGNORECASE,
)


class Cors(CORSMiddleware):
    """Lets the pages in `CORS_ORIGINS` call this backend, and logs the others that ask.

    Cookies are for the listed origins only, never for the pages of `*`.

    Args:
        app: What answers the requests.
        settings: Which pages these are.
        allow_headers: What they may send; by default anything, as ChatKit's own headers and those
            that sign users in.
    """

    def __init__(
        self, app: ASGIApp, settings: CommonSettings, allow_headers: Sequence[str] = ("*",)
    ) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=allow_headers,
            # The parent would also allow credentials in responses to pages that are not listed.
            allow_credentials=False,
            expose_headers=["X-Request-ID", "Retry-After"],
        )
        self._with_cookies = settings.uses_cookies and not self.allow_all_origins

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a browser asks before a request, and log a refusal.

        A refused page sends no request: nothing else would show in the log why it fails.
        """
        response = super().preflight_response(request_headers)
        self._allow_cookies(response.headers, request_headers)
        if response.status_code != 200:
            self._log_refusal(request_headers)
        return response

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Add the headers to a response."""
        if message["type"] == "http.response.start":
            self._allow_cookies(MutableHeaders(scope=message), request_headers)
        await super().send(message, send, request_headers)

    def _allow_cookies(self, headers: MutableHeaders, request_headers: Headers) -> None:
        if self._with_cookies and request_headers.get("origin") in self.allow_origins:
            headers["Access-Control-Allow-Credentials"] = "true"

    def _log_refusal(self, request_headers: Headers) -> None:
        origin = request_headers["origin"]
        method = request_headers["access-control-request-method"]
        if not self.is_allowed_origin(origin):
            log_unlisted(origin)
        elif method not in self.allow_methods:
            log.warning("method not allowed by CORS", method=method[:200], origin=origin[:200])
        else:
            header = ", ".join(self._refused_headers(request_headers))
            log.warning("header not allowed by CORS", header=header[:200], origin=origin[:200])

    def _refused_headers(self, request_headers: Headers) -> list[str]:
        asked = request_headers.get("access-control-request-headers", "").lower()
        names = [] if self.allow_all_headers else [name.strip() for name in asked.split(",")]
        refused = [name for name in names if name not in self.allow_headers]
        # Without one, it is a page of the internet that asks for a machine in a private network.
        return refused or ["access-control-request-private-network"]


def check_origin(request: Request) -> None:
    """Reject requests from pages of other sites.

    CORS keeps such a page from reading the response, but not from sending the request. In
    development, any page on this machine may send it: behind a front end's development server,
    `Origin` is that server's, and `Host` this one's.

    Raises:
        ApiError: 403, the origin is neither this server's own nor in CORS_ORIGINS.
    """
    origin = request.headers.get("origin")
    settings: CommonSettings = request.app.state.settings
    if origin is None or origin in settings.cors_origins or "*" in settings.cors_origins:
        return
    if settings.app_env == "development" and is_loopback(origin):
        return
    hosts: Hosts = request.app.state.hosts
    same = origin.lower().partition("://")[2] == host_of(request.scope)
    if not (same and hosts.owns(request.scope)):
        log_unlisted(origin)
        raise ApiError(403, "origin_not_allowed", "This origin is not in CORS_ORIGINS.")


def is_loopback(origin: str) -> bool:
    """Return whether a page of *origin* can only come from the machine that shows it."""
    return _LOOPBACK.fullmatch(origin) is not None


def log_unlisted(origin: str) -> None:
    """Log a refused page; whoever sent its origin chose its length."""
    log.warning("origin not in CORS_ORIGINS", origin=origin[:200])
