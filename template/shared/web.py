"""Serves the front end's files at `/`."""

import mimetypes
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from app.common_settings import CommonSettings
from app.errors import StartupError

CHATKIT = "https://cdn.platform.openai.com"
"""ChatKit's script and frame come from here, and nothing else from outside."""

_POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src 'self' {CHATKIT}",
        f"frame-src {CHATKIT}",
        "connect-src 'self'",
        # ChatKit's element may style its frame with a `style` element of its own.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # ChatKit's frame checks which domain it is on.
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
_REVALIDATED = "no-cache"
_FOREVER = "public, max-age=31536000, immutable"


class WebSettings(CommonSettings):
    """Whether the backend serves the front end."""

    serve_page: bool | None = None
    """By default, only in development."""

    @property
    def serves_page(self) -> bool:
        """Whether the front end is at `/`."""
        return self.app_env == "development" if self.serve_page is None else self.serve_page


class WebFiles(StaticFiles):
    """The files of a folder, except for hidden ones.

    It keeps to requests that no route of the application answers. All others get what they
    would without it: a 404 for another path, and a 405 for another method.

    Args:
        folder: Where the files are; `index.html` is the page.
        missing: What is at `/` as long as there is no page.
        hashed: A folder in it, whose files have a new name whenever they change.
        otherwise: Answers the requests that are for none of the files.
    """

    def __init__(self, folder: Path, missing: str, hashed: str | None, otherwise: ASGIApp) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._missing = missing
        self._hashed = hashed
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self._otherwise
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = Path(self.get_path(scope))
            if not any(part.startswith(".") for part in path.parts):
                answer = await self._answer(path, scope)
        await answer(scope, receive, send)

    async def _answer(self, path: Path, scope: Scope) -> Response:
        """Return the file.

        Raises:
            HTTPException: 404, there is none.
        """
        page = Path("index.html")
        if path == Path() and not (Path(str(self.directory)) / page).is_file():
            return PlainTextResponse(self._missing, headers=_HEADERS)
        response = await self.get_response(str(page if path == Path() else path), scope)
        response.headers.update(_HEADERS)
        hashed = self._hashed is not None and path.parts[:1] == (self._hashed,)
        response.headers["Cache-Control"] = _FOREVER if hashed else _REVALIDATED
        return response


def add_web(
    app: FastAPI, settings: WebSettings, folder: Path, *, missing: str, hashed: str | None = None
) -> None:
    """Serve the front end in development, and in production with SERVE_PAGE=yes.

    Args:
        app: The application.
        settings: Whether it is served.
        folder: Where its files are.
        missing: One sentence for `/` as long as there is no `index.html`.
        hashed: A folder in it, whose files have a new name whenever they change.

    Raises:
        StartupError: In production, there is no page to serve.
    """
    if not settings.serves_page:
        return
    if settings.app_env == "production" and not (folder / "index.html").is_file():
        raise StartupError(f"SERVE_PAGE=yes, but {missing}")
    # The registry of Windows may know another type, which browsers refuse for modules.
    mimetypes.add_type("text/javascript", ".js")
    app.router.default = WebFiles(folder, missing, hashed, app.router.default)
