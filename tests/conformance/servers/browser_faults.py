"""Faults that browsers see first: CORS of refusals, names of events, and bodies of errors."""

from typing import Any

from tests.conformance.servers.correct import Fault
from tests.conformance.servers.middleware import (
    BufferedResponse,
    Headers,
    Json,
    change_events,
    change_headers,
    change_responses,
    sse,
)


def _refusals_unreadable(status: int, headers: Headers) -> None:
    """Leave out the CORS headers, as authentication outside CORSMiddleware does."""
    if status == 401:
        headers.pop("access-control-allow-origin", None)


def _any_origin_and_cookie(_: int, headers: Headers) -> None:
    headers["access-control-allow-origin"] = "https://attacker.example"
    headers["access-control-allow-credentials"] = "true"
    headers["set-cookie"] = "session=abc; HttpOnly"


def _named(name: bytes) -> Any:
    return lambda event: [b"event: " + name + b"\n" + sse(event)]


def _with_comments(event: Json) -> list[Json]:
    """Frame events as sse-starlette does, with everything that the standard allows."""
    line = sse(event).rstrip(b"\n")
    return [b": ping\r\n\r\n", b"id: 7\r\nretry: 500\r\n" + line + b"\r\n\r\n"]


def _errors_of(body: bytes) -> Any:
    """Return errors with this body, except for what is not found: that has to be JSON."""

    def change(_: Json, response: BufferedResponse) -> None:
        if response.status >= 400 and response.status != 404:
            response.body = body

    return change_responses(change)


def _errors_as_text(_: Json, response: BufferedResponse) -> None:
    """Label errors as what they are, which is not JSON."""
    if response.status >= 400 and response.status != 404:
        response.headers["content-type"] = "text/plain"
        response.body = b"Not possible."


def _problem_details(_: Json, response: BufferedResponse) -> None:
    """Return errors in the format of RFC 9457."""
    if response.status >= 400:
        response.headers["content-type"] = "application/problem+json; charset=utf-8"
        response.body = {"type": "about:blank", "status": response.status}


FAULTS: dict[str, Fault] = {
    "transport-cors-unauthorized": Fault(middleware=change_headers(_refusals_unreadable)),
    "transport-events-unnamed": Fault(middleware=change_events(_named(b"delta"))),
    "requests-errors-parse": Fault(middleware=_errors_of(b"{'error': {'code': 'invalid'}}")),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "any origin with a cookie": (
        "transport-cors-strangers",
        Fault(middleware=change_headers(_any_origin_and_cookie)),
    ),
    "errors with NaN": ("requests-errors-parse", Fault(middleware=_errors_of(b'{"wait": NaN}'))),
    "errors cut short": ("requests-errors-parse", Fault(middleware=_errors_of(b'{"error": {"co'))),
}
ODD: dict[str, Fault] = {
    "events called message": Fault(middleware=change_events(_named(b"message"))),
    "comments, ids and CRLF": Fault(middleware=change_events(_with_comments)),
    "errors without a body": Fault(middleware=_errors_of(b"")),
    "errors as text": Fault(middleware=change_responses(_errors_as_text)),
    "problem details": Fault(middleware=change_responses(_problem_details)),
}
