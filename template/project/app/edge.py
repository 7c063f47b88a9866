"""What happens to every request before and after the application."""

import secrets
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common_settings import CommonSettings
from app.errors import error_response
from app.hosts import Hosts, host_of
from app.logs import log

_HEADERS = {
    # Responses are data of one user: never kept, never taken for anything but their type.
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
_PRODUCTION_HEADERS = {"strict-transport-security": "max-age=31536000"}


class Edge:
    """Gives every request an id and every response its headers, checks the host, and logs the end.

    Message text and credentials are never logged.
    """

    def __init__(self, app: ASGIApp, settings: CommonSettings) -> None:
        self.app = app
        self._hosts = Hosts(settings.allowed_hosts)
        headers = _HEADERS | (_PRODUCTION_HEADERS if settings.app_env == "production" else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, status=0)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
                own = dict(message["headers"])
                message["headers"] = [
                    *message["headers"],
                    *(header for header in self._headers if header[0] not in own),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._answer(scope, receive, send_with_headers)
        finally:
            log.info(
                "request",
                status=state["status"],
                operation=state.get("operation", f"{scope['method']} {scope['path']}"),
                user=state.get("user"),
                duration_ms=round((time.perf_counter() - begin) * 1000, 1),
                request_id=request_id,
                **({"stopped": True} if state.get("stopped") else {}),
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hosts.allows(scope):
            await self.app(scope, receive, send)
            return
        log.warning("host not in ALLOWED_HOSTS", host=host_of(scope)[:200])
        response = error_response(400, "host_not_allowed", "This host is not in ALLOWED_HOSTS.")
        await response(scope, receive, send)


class Failures:
    """Answers exceptions that nothing else handled.

    It runs inside `CORSMiddleware`: browsers show an error without CORS headers as a "CORS
    error" and hide the real one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            pass  # The client left before its request was complete: nobody waits for an answer.
        except Exception:
            state = scope.get("state", {})
            log.exception("unhandled error", request_id=state.get("request_id"))
            if state.get("status"):
                raise
            response = error_response(500, "internal_error", "Something went wrong.")
            await response(scope, receive, send)
