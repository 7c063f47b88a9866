"""What proxies, tunnels and web pages respond in place of a backend, as each of them words it."""

from dataclasses import dataclass, field

from starlette.responses import Response

from tests.conformance.servers.serving import App

PAGE = "<!DOCTYPE html>\n<html><head><title>{}</title>{}</head><body>{}</body></html>"


@dataclass(frozen=True, slots=True)
class Front:
    """A response to every request, and how the report names its sender.

    Attributes:
        named: Words of the report that say what stands in front.
        fix: Words of the fix.
        status: The response's status.
        headers: Its headers.
        body: Its body.
    """

    named: str
    fix: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def app(self) -> App:
        """Return an application that is nothing but this front."""
        headers = {"content-type": "text/html", **self.headers}
        return Response(self.body, self.status, headers)


def page(title: str, head: str = "", body: str = "") -> str:
    """Return a web page."""
    return PAGE.format(title, head, body)


def _gateway(named: str, status: int, server: str, body: str = "") -> Front:
    return Front(named, "Start the backend", status, {"server": server}, body)


FRONTS: dict[str, Front] = {
    "nginx": _gateway(
        "nginx cannot reach the backend (502)",
        502,
        "nginx/1.27.0",
        page("502 Bad Gateway", body="<center>nginx/1.27.0</center>"),
    ),
    "nginx timeout": _gateway("nginx got no answer from the backend in time (504)", 504, "nginx"),
    "caddy": _gateway("Caddy cannot reach the backend (502)", 502, "Caddy"),
    "load balancer": _gateway("an AWS load balancer cannot reach", 502, "awselb/2.0"),
    "cloudflare": Front(
        "Cloudflare got no answer from the backend in time (522)",
        "Start the backend",
        522,
        {"server": "cloudflare", "cf-ray": "8f1-FRA"},
        page("example.com | 522: Connection timed out"),
    ),
    "cloudfront": Front(
        "Amazon CloudFront got no answer from the backend in time (504)",
        "Start the backend",
        504,
        {"via": "1.1 abc.cloudfront.net (CloudFront)", "x-cache": "Error from cloudfront"},
        page("ERROR: The request could not be satisfied"),
    ),
    "traefik": Front(
        "Traefik cannot reach the backend (502)",
        "Start the backend",
        502,
        {"content-type": "text/plain; charset=utf-8"},
        "Bad Gateway",
    ),
    "haproxy": Front(
        "HAProxy cannot reach the backend (502)",
        "Start the backend",
        502,
        body="<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete "
        "response.\n</body></html>",
    ),
    "unknown gateway": Front("a gateway cannot reach the backend (502)", "a gateway forward", 502),
    "challenge": Front(
        "a web page titled “Just a moment...”, from Cloudflare",
        "Let the check through in Cloudflare's rules",
        403,
        {"server": "cloudflare", "cf-mitigated": "challenge"},
        page("Just a moment..."),
    ),
    "ngrok page": Front(
        "from ngrok",
        "--header 'ngrok-skip-browser-warning: 1'",
        200,
        {"ngrok-error-code": "ERR_NGROK_6024"},
        page("You are about to visit"),
    ),
    "ngrok closed": Front(
        "from ngrok",
        "Check that the tunnel is open",
        404,
        {"ngrok-error-code": "ERR_NGROK_3200"},
        page("ngrok", "<link href='https://cdn.ngrok.com/static/css/error.css'>"),
    ),
    "vite": Front(
        "a web page titled “Vite + React”, from Vite's development server",
        "`server.proxy`",
        body=page("Vite + React", '<script type="module" src="/@vite/client"></script>'),
    ),
    "next.js": Front(
        "a web page titled “404: This page could not be found.”, from Next.js",
        "Pass the URL of the route handler",
        404,
        {"x-powered-by": "Next.js"},
        page("404: This page could not be found."),
    ),
    "vercel": Front(
        "from Vercel", "Pass the URL of the ChatKit route", 404, {"server": "Vercel"}, page("404")
    ),
    "page": Front(
        "a web page titled “Tom & Ann's shop”",
        "Pass the URL of the ChatKit route",
        body=page("Tom &amp; Ann's\n shop"),
    ),
    "page without a title": Front(
        "a web page without a title", "Pass the URL of the ChatKit route", body="<html>Hi</html>"
    ),
    "page with escapes": Front(
        "a web page titled “\\x1b[31mred\\x1b]0;x\\x07”",
        "Pass the URL of the ChatKit route",
        body=page("\x1b[31mred\x1b]0;x\x07"),
    ),
    "login page": Front(
        "a login page: a web page titled “Welcome”",
        "--header 'Cookie: …'",
        body=page("Welcome", body='<form><input name="p" type="password"></form>'),
    ),
    "login title": Front(
        "a login page: a web page titled “Sign in · Acme”",
        "--header 'Cookie: …'",
        body=page("Sign in · Acme"),
    ),
    "redirect to login": Front(
        "a redirect (302) to /login?next=%2Fchatkit, a login page",
        "--header 'Cookie: …'",
        302,
        {"location": "/login?next=%2Fchatkit"},
    ),
    "redirect": Front(
        "a redirect (308) to https://example.com/chatkit",
        "Pass the URL that it redirects to",
        308,
        {"location": "https://example.com/chatkit"},
    ),
    "csrf": Front(
        "a web page titled “403 Forbidden”",
        "CSRF",
        403,
        body=page("403 Forbidden", body="CSRF verification failed. Request aborted."),
    ),
}
