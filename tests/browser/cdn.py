"""A server in the place of ChatKit's CDN.

The browser resolves the CDN's name to it. Playwright's own interception would not do: as long as
any request is intercepted, it answers every CORS preflight itself, and allows all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import trustme

from tests.conformance.servers.serving import Message, Receive, Send, serve

HOST = "cdn.platform.openai.com"
_SCRIPT = "/deployments/chatkit/chatkit.js"
_PARTS = [Path(__file__).parent / "standin" / name for name in ("chatkit.js", "view.js")]


@dataclass
class Cdn:
    """What the server does, and where it listens.

    Attributes:
        port: Its port on 127.0.0.1.
        mode: Whether it serves the script, has none, or never answers.
    """

    port: int = 0
    mode: Literal["script", "missing", "silent"] = "script"

    @contextmanager
    def without_script(self, mode: Literal["missing", "silent"]) -> Iterator[None]:
        """Do not serve the script while the block runs."""
        self.mode = mode
        try:
            yield
        finally:
            self.mode = "script"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        if self.mode == "silent":
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        found = self.mode == "script" and scope["path"] == _SCRIPT
        body = "".join(part.read_text(encoding="utf-8") for part in _PARTS) if found else ""
        headers = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"cache-control", b"no-store"),
        ]
        status = 200 if found else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


@contextmanager
def running(folder: Path) -> Iterator[Cdn]:
    """Run the server until the block ends."""
    certificate = folder / "cdn.pem"
    leaf = trustme.CA().issue_cert(HOST)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    cdn = Cdn()
    with serve(cdn, certificate=certificate) as url:
        cdn.port = urlsplit(url).port or 0
        yield cdn
