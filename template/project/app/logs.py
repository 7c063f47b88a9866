"""The log: one line for each request, for people or as JSON."""

import logging
import math
import os
import sys
import time
from collections import Counter

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.common_settings import CommonSettings

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
    return [_summarize_request, _escape_controls, renderer]


def _summarize_request(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Begin the line of a request with its status and operation."""
    if entry["event"] == "request":
        entry["event"] = f"{entry.pop('status')} {entry.pop('operation')}"
    return entry


def _escape_controls(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Keep a client's text, such as a path, from beginning a line or controlling the terminal."""
    for name, value in entry.items():
        if isinstance(value, str) and not value.isprintable():
            entry[name] = repr(value)[1:-1]
    return entry


class RepeatedWarning:
    """Logs what may happen thousands of times a second, once in a while.

    Args:
        event: What happens.
    """

    INTERVAL = 10.0
    """Seconds between two lines with the same reason."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._times: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    def log(self, reason: str, **details: object) -> None:
        """Count it, and log it with the number since the last line.

        Args:
            reason: Why it happens, one of a few.
            details: What else is known of this occurrence.
        """
        self._times[reason] += 1
        now = time.monotonic()
        if now - self._logged.get(reason, -math.inf) >= self.INTERVAL:
            self._logged[reason] = now
            log.warning(self._event, reason=reason, times=self._times.pop(reason), **details)
