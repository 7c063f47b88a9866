"""What answers in front of a ChatKit backend, or instead of it: proxies, tunnels and web pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.text import shorten

# Names in `Server` and `Via`, in lower case.
_PRODUCTS = {
    "nginx": "nginx",
    "openresty": "nginx",
    "cloudfront": "Amazon CloudFront",
    "cloudflare": "Cloudflare",
    "caddy": "Caddy",
    "traefik": "Traefik",
    "awselb": "an AWS load balancer",
    "apache": "Apache",
    "microsoft-iis": "IIS",
    "microsoft-azure-application-gateway": "Azure Application Gateway",
    "envoy": "Envoy",
    "haproxy": "HAProxy",
    "varnish": "Varnish",
    "squid": "Squid",
    "kong": "Kong",
    "litespeed": "LiteSpeed",
    "google frontend": "Google Frontend",
    "vercel": "Vercel",
    "netlify": "Netlify",
    "heroku": "Heroku",
    "vegur": "Heroku",
    "fly/": "Fly.io",
    "railway": "Railway",
    "ngrok": "ngrok",
}
# Headers that only one product sends; a backend behind it may send them as well.
_HEADERS = {
    "ngrok-error-code": "ngrok",
    "cf-mitigated": "Cloudflare",
    "x-vercel-error": "Vercel",
    "x-amz-cf-id": "Amazon CloudFront",
    "cf-ray": "Cloudflare",
    "fly-request-id": "Fly.io",
}
# Pages and texts of products that send no header of their own.
_BODIES = {
    "/@vite/client": "Vite's development server",
    "/_next/static": "Next.js",
    "ngrok": "ngrok",
    "<center>nginx": "nginx",
    "returned an invalid or incomplete response": "HAProxy",
    "didn't respond in time": "HAProxy",
}
_GO_ERRORS = {b"Bad Gateway", b"Gateway Timeout"}
"""Traefik's whole response."""
_BAD_GATEWAY, _GATEWAY_TIMEOUT = 502, 504
_CLOUDFLARE_ERRORS = range(520, 531)
_SEARCHED_BYTES = 20_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_LOGIN = re.compile(
    r"\b(?:log|sign)[-_ ]?(?:in|on)\b|\bsso\b|\boauth2?\b|/cdn-cgi/access/", re.IGNORECASE
)
_PASSWORD = re.compile(r"<input[^>]+type=[\"']?password", re.IGNORECASE)

SIGN_IN = (
    "Pass the user's credentials: the cookie that the browser has after signing in, with "
    "--header 'Cookie: …', or --header 'Authorization: Bearer …'."
)
_NOT_THE_PAGE = "Pass the URL of the ChatKit route: this one is a web page's."
_FIXES = {
    "ngrok": "Check that the tunnel is open, and pass --header 'ngrok-skip-browser-warning: 1'.",
    "Cloudflare": "Let the check through in Cloudflare's rules, or pass the backend's own URL.",
    "Vite's development server": "Forward the ChatKit path to the backend with `server.proxy`, or "
    "pass the backend's own URL.",
    "Next.js": "Pass the URL of the route handler or of the backend, not of a page.",
}


@dataclass(frozen=True, slots=True)
class Front:
    """What has answered instead of the ChatKit route.

    Attributes:
        description: What it is and what it did, in one phrase.
        fix: What to do.
    """

    description: str
    fix: str


def in_front(response: Exchange) -> Front | None:
    """Return what has answered instead of the ChatKit route; None if nothing shows that it did."""
    if response.is_redirect:
        return _redirect(response)
    if response.status == _GATEWAY_TIMEOUT or response.status in _CLOUDFLARE_ERRORS:
        return _gateway(response, "got no answer from the backend in time")
    if response.status == _BAD_GATEWAY:
        return _gateway(response, "cannot reach the backend")
    # A backend fails with a page, too, and some label JSON as HTML.
    if response.is_server_error or not _is_page(response):
        return None
    return _page(response)


def uses_cookies(response: Exchange) -> bool:
    """Return whether a server that refuses a request seems to know users by their cookies."""
    scheme = response.headers.get("www-authenticate", "").lower()
    if scheme:
        return "cookie" in scheme or "session" in scheme
    words = (b"cookie", b"session", b"csrf", b"login", b"log in", b"sign in")
    body = response.body[:_SEARCHED_BYTES].lower()
    return "set-cookie" in response.headers or any(word in body for word in words)


def _redirect(response: Exchange) -> Front:
    location = response.headers.get("location", "nowhere")
    to = f"a redirect ({response.status}) to {shorten(location)}"
    if _LOGIN.search(location):
        return Front(f"{to}, a login page", SIGN_IN)
    return Front(to, "Pass the URL that it redirects to, and give the page the same.")


def _gateway(response: Exchange, what: str) -> Front:
    name = _product(response) or "a gateway"
    return Front(
        f"{name} {what} ({response.status})",
        f"Start the backend, and let {name} forward to the host and port where it listens.",
    )


def _page(response: Exchange) -> Front:
    text = _text(response)
    title = _TITLE.search(text)
    words = shorten(" ".join(unescape(title[1]).split()), 80) if title else ""
    page = f"a web page titled “{words}”" if words else "a web page without a title"
    name = _product(response)
    description = f"{page}, from {name}" if name else page
    if _PASSWORD.search(text) or _LOGIN.search(words):
        return Front(f"a login page: {description}", SIGN_IN)
    if "csrf" in text.lower() and response.is_client_error:
        return Front(description, "Exempt the ChatKit route from the CSRF protection of forms.")
    return Front(description, _FIXES.get(name, _NOT_THE_PAGE))


def _product(response: Exchange) -> str:
    """Return the name of the product that has answered; empty if it is not known."""
    return next(_signs(response), "")


def _signs(response: Exchange) -> Iterator[str]:
    headers = response.headers
    if headers.keys() & {"ngrok-error-code", "x-vercel-error"}:
        yield from (_HEADERS[name] for name in _HEADERS if name in headers)
    announced = f"{headers.get('server', '')} {headers.get('via', '')}".lower()
    yield from (name for sign, name in _PRODUCTS.items() if sign in announced)
    yield from (name for header, name in _HEADERS.items() if header in headers)
    text = _text(response)
    yield from (name for sign, name in _BODIES.items() if sign in text)
    if headers.get("x-powered-by") == "Next.js":
        yield "Next.js"
    if response.body.strip() in _GO_ERRORS:
        yield "Traefik"


def _is_page(response: Exchange) -> bool:
    return _text(response).lstrip().lower().startswith(("<!doctype html", "<html", "<!--", "<head"))


def _text(response: Exchange) -> str:
    return response.body[:_SEARCHED_BYTES].decode("utf-8", "replace")
