"""Keeps everything but the play page itself away from the proxy, which spends credentials."""

import hmac

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_OTHER_SITES = ("cross-site", "same-site")
"""Values of `Sec-Fetch-Site`; another port of this machine is `same-site`."""


class Guard:
    """Lets a request pass only if it comes from the page, which knows the token in its address.

    Any website can make a browser send requests to this machine. The host name must be the
    machine's own, so that no website's name can be pointed here; the origin must be the page's own;
    and the path must begin with the token, which no website can read.

    Args:
        app: Gets the request with the rest of the path.
        port: Where the server listens.
        token: The first part of every path.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        # Without a slash behind the token, the page's relative addresses would lose it.
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        app = self._refusal(scope, first if slash else "", rest)
        inner = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": ""}
        await (app or self._app)(inner, receive, send_protected)

    def _refusal(self, scope: Scope, token: str, rest: str) -> ASGIApp | None:
        """Return what answers a request that must not pass; None if it may."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return PlainTextResponse("This host name is not the one of the play page.", 403)
        if origin is not None and origin != f"http://{host}":
            return PlainTextResponse("Only the play page itself may send requests.", 403)
        opens_page = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        is_top = headers.get("sec-fetch-dest") == "document" and not rest
        if headers.get("sec-fetch-site") in _OTHER_SITES and not (opens_page and is_top):
            return PlainTextResponse("Only the play page itself may send requests.", 403)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            return PlainTextResponse(
                "Open the address that chatkit-scaffold play has printed.", 404
            )
        return None
