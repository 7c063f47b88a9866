"""Backends of tests that keep what they receive."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = "s3cret-and-long-enough"
HEADERS = {
    "Authorization": f"Bearer {SECRET}",
    "X-Api-Key": f"key {SECRET}",
    "Cookie": f"sid={SECRET}; theme=dark-{SECRET}",
    "X-Tenant": "acme",
}


class Recorder:
    """A backend that keeps the requests; what it answers is up to the test."""

    def __init__(self, answer: Callable[[Request, bytes], Response] | None = None) -> None:
        self.requests: list[tuple[Request, bytes]] = []
        self._answer = answer
        self.app = Starlette(
            routes=[Route("/{path:path}", self._respond, methods=["GET", "POST", "PUT"])]
        )

    async def _respond(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append((request, body))
        if self._answer is not None:
            return self._answer(request, body)
        return JSONResponse({"data": [], "has_more": False})
