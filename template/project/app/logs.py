"""The log: one line for each request, for people or as JSON."""

import logging
import os
import secrets
import sys
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, Processor, WrappedLogger

from app.common_settings import CommonSettings
from app.errors import error_response

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure_logging(settings: CommonSettings) -> None:
    """Send structlog and the standard library's loggers to stderr, one line for each event."""
    as_json = logs_json(settings)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
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
                *(_json() if as_json else _console()),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # Libraries would add lines for each start and each call; this package logs what matters.
    logging.getLogger("app").setLevel(logging.INFO)


def logs_json(settings: CommonSettings) -> bool:
    """Return whether the log is for programs: by default, in production."""
    if settings.log_format == "auto":
        return settings.app_env == "production"
    return settings.log_format == "json"


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _console() -> list[Processor]:
    colors = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors,
        sort_keys=False,
        pad_level=False,
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [_summarize_request, renderer]


def _summarize_request(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Begin the line of a request with its status and operation."""
    if entry["event"] == "request":
        entry["event"] = f"{entry.pop('status')} {entry.pop('operation')}"
    return entry


class RequestLog:
    """Gives every request an id, logs its end, and answers exceptions that nothing else handled.

    It runs inside `CORSMiddleware`: browsers show an error without CORS headers as a "CORS
    error" and hide the real one. Message text and credentials are never logged.
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

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("unhandled error", request_id=request_id)
            if status:
                raise
            response = error_response(500, "internal_error", "Something went wrong.")
            await response(scope, receive, send_with_id)
        finally:
            log.info(
                "request",
                status=status,
                operation=state.get("operation", f"{scope['method']} {scope['path']}"),
                user=state.get("user"),
                duration_ms=round((time.perf_counter() - begin) * 1000, 1),
                request_id=request_id,
                **({"stopped": True} if state.get("stopped") else {}),
            )
