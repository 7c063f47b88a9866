"""Errors that the client sees, and their JSON."""

from collections.abc import Mapping

from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.types import ErrorEvent, ThreadStreamEvent
from pydantic import ValidationError
from starlette.responses import JSONResponse

from app.text import well_formed


class ApiError(Exception):
    """An error for the client: `{"error": {"code": ..., "message": ...}}`.

    Args:
        status: The HTTP status, 400 to 599.
        code: A short identifier for programs, such as `not_found`.
        message: One sentence for people, with no internal details.
        headers: More headers of the response, such as the `WWW-Authenticate` of a 401.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class StartupError(Exception):
    """The backend cannot start; the text names the setting and the fix."""


def error_response(status: int, code: str, message: str) -> JSONResponse:
    """Return `{"error": {"code": ..., "message": ...}}`."""
    content = {"error": {"code": code, "message": message}}
    return JSONResponse(content, status_code=status)


def error_event(error: Exception) -> ErrorEvent:
    """Return what the client shows of an error that ends an answer."""
    match error:
        case CustomStreamError():
            message = well_formed(error.message)
            return ErrorEvent(code="custom", message=message, allow_retry=error.allow_retry)
        case StreamError():
            return ErrorEvent(code=error.code, allow_retry=error.allow_retry)
        case _:
            return ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True)


def with_message(event: ThreadStreamEvent) -> ThreadStreamEvent:
    """Give an error a message if it has none, such as one that an agent sends; keep one it has."""
    if not isinstance(event, ErrorEvent) or (event.message or "").strip():
        return event
    message = "The answer could not be finished."
    if event.allow_retry:
        message += " Please try again."
    return event.model_copy(update={"message": message})


def first_problem(error: ValidationError) -> str:
    """Describe the first invalid field, without repeating a value that may be long or private."""
    detail = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        # pydantic would list all operations.
        case "union_tag_invalid" if not place:
            return f"There is no operation {str(detail['ctx']['tag'])[:50]!r}."
        case "union_tag_not_found" if not place:
            return "The request has no type."
        case _:
            return f"{place}: {detail['msg']}" if place else detail["msg"]
