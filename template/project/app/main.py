"""Builds the application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatkit import types
from chatkit.store import NotFoundError
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from app import ENDPOINT
from app.agent import open_agent
from app.auth import open_auth
from app.auth import router as auth_router
from app.base import StoreUnavailableError
from app.edge import Edge, Failures
from app.errors import ApiError, error_response
from app.hosts import Hosts
from app.logs import configure_logging
from app.origins import Cors
from app.rates import MessageLimits
from app.routes import chatkit, router
from app.server import ChatServer
from app.settings import Settings, load_settings
from app.start_page import add_start_page
from app.store import open_store
from app.streaming import Turns
from app.warm_up import build_models


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: Read from the environment by default.

    Raises:
        StartupError: A setting is missing or invalid.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    app = FastAPI(
        title="ChatKit backend",
        lifespan=lifespan,
        openapi_url=None,
        # A redirect would lead to whatever host the request names.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.hosts = Hosts(settings.allowed_hosts)
    # Without FastAPI's dependencies, which would cost more than the rest of a request's way here.
    app.add_route(ENDPOINT, chatkit, methods=["POST"])
    app.include_router(router)
    app.include_router(auth_router)
    add_start_page(app, settings)
    for kind in (ApiError, NotFoundError, StoreUnavailableError, HTTPException):
        app.add_exception_handler(kind, on_error)
    # Each is around those before it: errors need CORS headers, and all responses the edge's.
    app.add_middleware(Failures)
    app.add_middleware(Cors, settings=settings)
    app.add_middleware(Edge, settings=settings)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the store, the authentication and the agent, once per process; close them at the end."""
    settings: Settings = app.state.settings
    turns = Turns()
    build_models(vars(types).values())
    async with (
        open_store(settings) as store,
        open_auth(settings, store) as authenticate,
        open_agent(settings, store) as agent,
    ):
        app.state.store = store
        app.state.authenticate = authenticate
        app.state.turns = turns
        app.state.limits = MessageLimits(settings, store.counters())
        app.state.server = ChatServer(store, agent, settings.history_items)
        try:
            yield
        finally:
            # Before the store closes: interrupted answers still have to be stored.
            await turns.close()


async def on_error(request: Request, error: Exception) -> Response:
    """Convert an error that the client may see to a response."""
    match error:
        case ApiError():
            response = error_response(error.status, error.code, error.message)
            response.headers.update(error.headers)
            return response
        case NotFoundError():
            # The same response for what does not exist and for another user's data.
            return error_response(404, "not_found", "There is no such thread or item.")
        case StoreUnavailableError():
            response = error_response(503, "store_unavailable", "The store does not answer.")
            response.headers["Retry-After"] = "5"
            return response
        case HTTPException(status_code=404):
            message = f"There is nothing at this path; the endpoint is {ENDPOINT}."
            return error_response(404, "http_error", message)
        case HTTPException():
            response = error_response(error.status_code, "http_error", error.detail)
            response.headers.update(error.headers or {})
            return response
        case _:
            raise error
