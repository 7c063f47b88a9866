"""The routes of the play page."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from chatkit_scaffold import __version__
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.play.exchanges import Exchanges, Summary
from chatkit_scaffold.play.forward import Forward, error_response
from chatkit_scaffold.play.history import History
from chatkit_scaffold.play.masking import masked
from chatkit_scaffold.play.user import User
from chatkit_scaffold.play.warnings import warnings_about
from chatkit_scaffold.protocol.event_stream import parse_object
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.url import shown_url

PAGE = Path(__file__).parent / "page"
_LARGEST_REQUEST = 16_000_000
_LARGEST_FILE = 32_000_000
"""Bytes that the page may send at once; they are kept in memory."""


def require_page() -> None:
    """Check that the page's files are there.

    Raises:
        ScaffoldError: They are not, because the installation is incomplete.
    """
    if not (PAGE / "index.html").is_file():
        raise ScaffoldError(
            f"The page's files are missing in {PAGE}", hint="Install chatkit-scaffold again."
        )


class Play:
    """What the page asks for.

    Args:
        users: The users by name, the first one first.
    """

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = dict(users)
        self._histories = {name: History() for name in users}
        self._exchanges = Exchanges()

    def app(self) -> Starlette:
        """Return the application; it trusts every request, so it belongs behind a `Guard`."""
        app = Starlette(
            routes=[
                Route("/", self._page),
                Mount("/page", StaticFiles(directory=PAGE)),
                Route("/config", self._config),
                Route("/send", self._send, methods=["POST"]),
                Route("/upload", self._upload, methods=["POST"]),
                Route("/exchanges/{number:int}", self._exchange),
            ]
        )
        # A redirect would lose the token, which the routes do not know.
        app.router.redirect_slashes = False
        return app

    async def close(self) -> None:
        """Close all connections to the backend."""
        for user in self._users.values():
            await user.close()

    async def _page(self, request: Request) -> Response:
        del request
        return FileResponse(PAGE / "index.html")

    async def _config(self, request: Request) -> Response:
        del request
        users = [
            {"id": user.name, "headers": masked(user.headers)} for user in self._users.values()
        ]
        url = next(iter(self._users.values())).url
        return JSONResponse(
            {
                "url": shown_url(url),
                "version": __version__,
                "users": users,
                "curl_headers": users[0]["headers"],
            }
        )

    async def _send(self, request: Request) -> Response:
        user = self._users.get(request.query_params.get("user", "first"))
        if user is None:
            return _unknown_user()
        content = await _body(request, _LARGEST_REQUEST)
        if content is None:
            return _too_large(_LARGEST_REQUEST)
        asked = parse_object(content.decode("utf-8", "replace")) or {}
        operation = asked.get("type")
        exchange = Exchange("", operation=operation if isinstance(operation, str) else "")
        number = self._exchanges.begin()

        history = self._histories[user.name]
        history.begin(asked)

        async def ended(exchange: Exchange) -> None:
            views = history.views(asked, exchange)
            user.note_upload(exchange)
            history.end(asked, exchange)
            warnings: list[dict[str, Any]] = []
            try:
                # In a thread, because a large response takes a while, and others are streaming.
                warnings = await asyncio.to_thread(warnings_about, exchange, views, user)
            finally:
                self._exchanges.finish(number, _summary(number, user, exchange, warnings))

        return Forward(
            user,
            content,
            exchange,
            number=number,
            language=request.headers.get("accept-language", ""),
            received=lambda: self._exchanges.end(number),
            ended=ended,
        )

    async def _exchange(self, request: Request) -> Response:
        summary = await self._exchanges.summary(request.path_params["number"])
        if summary is None:
            return PlainTextResponse("This exchange is unknown, or not complete yet.", 404)
        return JSONResponse(summary)

    async def _upload(self, request: Request) -> Response:
        user = self._users.get(request.query_params.get("user", "first"))
        if user is None:
            return _unknown_user()
        wanted = user.upload_for(request.query_params.get("attachment", ""))
        if wanted is None:
            error = ScaffoldError(
                "The backend has not asked for this file", hint="Send attachments.create first."
            )
            return error_response(404, "unknown_attachment", error)
        content = await _body(request, _LARGEST_FILE)
        if content is None:
            return _too_large(_LARGEST_FILE)
        media_type = request.headers.get("content-type", "application/octet-stream")
        try:
            sent = await user.upload(*wanted, media_type, content)
        except ScaffoldError as error:
            return error_response(502, "upload", error)
        if sent.ok:
            return JSONResponse({"status": sent.status})
        failed = ScaffoldError(
            user.without_secrets(f"The upload failed: {sent.got}"),
            hint=sent.advice or "See the log of the backend.",
        )
        return error_response(502, "upload", failed)


def _summary(
    number: int, user: User, exchange: Exchange, warnings: list[dict[str, Any]]
) -> Summary:
    return {
        "id": number,
        "operation": exchange.operation,
        "status": exchange.status,
        "seconds": round(exchange.seconds, 3),
        "size": exchange.size,
        "error": user.without_secrets(exchange.error),
        "warnings": warnings,
    }


def _unknown_user() -> Response:
    error = ScaffoldError(
        "There is no such user", hint="Pass --other-header for a second user, and restart."
    )
    return error_response(404, "unknown_user", error)


def _too_large(limit: int) -> Response:
    error = ScaffoldError(f"The request is larger than {limit:,} bytes", hint="Send less at once.")
    return error_response(413, "too_large", error)


async def _body(request: Request, limit: int) -> bytes | None:
    """Return the body of a request; None if it is larger than *limit* bytes."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
