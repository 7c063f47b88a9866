"""The HTTP endpoints: ChatKit, and two for monitoring."""

from chatkit.server import StreamingResult
from chatkit.types import is_streaming_req
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app import ENDPOINT
from app.base import RequestContext, StoreUnavailableError, User
from app.errors import ApiError
from app.origins import check_origin
from app.preconditions import check_request, check_size
from app.rates import MessageLimits
from app.server import ChatServer
from app.settings import Settings
from app.streaming import Turns

router = APIRouter(prefix=ENDPOINT)


async def get_context(request: Request) -> RequestContext:
    """Authenticate the request.

    Raises:
        ApiError: 401, the request has no valid credentials; 403, its sender is not allowed.
    """
    check_origin(request)
    user: User = await request.app.state.authenticate(request)
    request.state.user = user.id
    locale = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    return RequestContext(user, request.state.request_id, locale or None)


async def chatkit(request: Request) -> Response:
    """Answer a ChatKit request with an event stream or with JSON, depending on its type."""
    context = await get_context(request)
    settings: Settings = request.app.state.settings
    server: ChatServer = request.app.state.server
    parsed = server.parse(await _read_body(request, settings.max_body_bytes))
    request.state.operation = parsed.type
    check_size(parsed, settings.max_message_chars)
    if is_streaming_req(parsed):
        limits: MessageLimits = request.app.state.limits
        await limits.count(context.user_id, request.client.host if request.client else None)
    await check_request(parsed, server, context)
    result = await server.answer(parsed, context)
    if isinstance(result, StreamingResult):
        turns: Turns = request.app.state.turns
        return await turns.start(result.json_events, request)
    return Response(result.json, media_type="application/json")


@router.api_route("/health", methods=["GET", "HEAD"])
async def health() -> dict[str, str]:
    """Return 200 while the process is alive."""
    return {"status": "ok"}


@router.api_route("/ready", methods=["GET", "HEAD"])
async def ready(request: Request) -> Response:
    """Return 200 while the store can be used, or else 503 with the reason."""
    server: ChatServer = request.app.state.server
    try:
        warning = await server.store.ping()
    except StoreUnavailableError as error:
        return JSONResponse({"status": "unavailable", "reason": str(error)}, status_code=503)
    return JSONResponse({"status": "ready"} | ({"warning": warning} if warning else {}))


async def _read_body(request: Request, limit: int) -> bytes:
    """Read the body, up to the limit.

    Raises:
        ApiError: 413, the body has more than *limit* bytes.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise ApiError(413, "too_large", f"A request may have at most {limit} bytes.")
    return bytes(body)
