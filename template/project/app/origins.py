"""Rejects requests from pages of other sites."""

from fastapi import Request

from app.errors import ApiError
from app.hosts import Hosts, host_of
from app.logs import log


def check_origin(request: Request) -> None:
    """Reject requests from pages of other sites.

    CORS keeps such a page from reading the response, but not from sending the request.

    Raises:
        ApiError: 403, the origin is neither this server's own nor in CORS_ORIGINS.
    """
    origin = request.headers.get("origin")
    origins: frozenset[str] = request.app.state.origins
    if origin is None or origin in origins or "*" in origins:
        return
    hosts: Hosts = request.app.state.hosts
    same = origin.lower().partition("://")[2] == host_of(request.scope)
    if not (same and hosts.owns(request.scope)):
        log.warning("origin not in CORS_ORIGINS", origin=origin[:200])
        raise ApiError(403, "origin_not_allowed", "This origin is not in CORS_ORIGINS.")
