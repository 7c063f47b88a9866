"""The page at `/` in development: shows that the backend runs, and how to reach it."""

import base64
import hashlib
import json
from html import escape

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from app import ENDPOINT
from app.auth import FETCH_EXAMPLE
from app.common_settings import CommonSettings

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 44rem; padding: 0 1rem; }
pre { background: #8881; border-radius: 6px; overflow: auto; padding: 1rem; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width">
<title>ChatKit backend</title>
<style>{style}</style>
</head>
<body>
<h1>Your ChatKit backend is running</h1>
<p>ChatKit reaches it at <code>{url}</code>. In a React page:</p>
<pre><code>{example}</code></pre>
<p>The page's origin must be in <code>CORS_ORIGINS</code>. README.md has a complete component.</p>
<p><a href="{endpoint}/health">health</a>: the process runs ·
<a href="{endpoint}/ready">ready</a>: the store can be used</p>
</body>
</html>
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


class StartPageSettings(CommonSettings):
    """The page has no settings of its own."""


def add_start_page(app: FastAPI, settings: StartPageSettings) -> None:
    """Serve the page in development."""
    if settings.app_env == "development":
        app.add_api_route("/", start_page, response_class=HTMLResponse)


async def start_page(request: Request) -> HTMLResponse:
    """Show the endpoint's address and the code for the front end."""
    url = str(request.base_url).rstrip("/") + ENDPOINT
    return HTMLResponse(render(url), headers=_HEADERS)


def render(url: str) -> str:
    """Return the page of a backend that is reached at *url*."""
    return _PAGE.format(
        style=_STYLE, url=escape(url), endpoint=escape(ENDPOINT), example=escape(example(url))
    )


def example(url: str) -> str:
    """Return the code that connects a React page to *url*."""
    options = [f"url: {json.dumps(url)},", 'domainKey: "local-dev",', *FETCH_EXAMPLE.splitlines()]
    indented = [f"    {option}" for option in options]
    return "\n".join(["const { control } = useChatKit({", "  api: {", *indented, "  },", "});"])
