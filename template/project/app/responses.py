"""The one shape of error answers."""

from starlette.responses import JSONResponse


def error_response(status: int, code: str, message: str) -> JSONResponse:
    """Return `{"error": {"code": ..., "message": ...}}`."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {"error": {"code": code, "message": message}}
    return JSONResponse(content, status_code=status, headers=headers)
