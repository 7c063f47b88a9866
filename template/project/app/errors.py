"""Errors that the client sees, and their JSON."""

from collections.abc import Mapping

from starlette.responses import JSONResponse


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
