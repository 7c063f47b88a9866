"""Errors with an answer for the client, and the JSON that they are answered with."""

from starlette.responses import JSONResponse


class ApiError(Exception):
    """Answered as `{"error": {"code": ..., "message": ...}}`.

    Args:
        status: The HTTP status, 400 to 599.
        code: A short identifier for programs, such as `not_found`.
        message: One sentence for people, with nothing of the server's inside in it.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class StartupError(Exception):
    """The backend cannot start; the text names the setting and what to do about it."""


def error_response(status: int, code: str, message: str) -> JSONResponse:
    """Return `{"error": {"code": ..., "message": ...}}`."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {"error": {"code": code, "message": message}}
    return JSONResponse(content, status_code=status, headers=headers)
