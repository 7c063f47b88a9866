"""One JSON line per request, and JSON for everything else that is logged."""

import logging
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import error_response

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure_logging() -> None:
    """Send structlog and the standard library's loggers to stderr as JSON, one line each."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # One line per request is ours; these would add one for each call of a model or database.
    for name in ("httpx", "httpx2", "chatkit"):
        logging.getLogger(name).setLevel(logging.WARNING)


class RequestLog:
    """Names every request, logs it when it is over, and answers what nobody caught.

    It stands inside `CORSMiddleware`: an error without CORS headers is shown by browsers
    as a "CORS error" and hides the real one. Message text and credentials are never logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        except Exception:
            log.exception("unhandled error", request_id=request_id)
            if status:
                raise
            response = error_response(500, "internal_error", "Something went wrong.")
            await response(scope, receive, send_named)
        finally:
            log.info(
                "request",
                request_id=request_id,
                user=state.get("user"),
                operation=state.get("operation", f"{scope['method']} {scope['path']}"),
                status=status,
                duration_ms=round((time.perf_counter() - begin) * 1000, 1),
                **({"stopped": True} if state.get("stopped") else {}),
            )
