"""Finds out who sent a request."""

import ipaddress

from fastapi import Request


def senders(request: Request) -> list[str]:
    """Return the addresses of the client and of every proxy on the way."""
    headers = request.headers
    forwarded = ",".join([*headers.getlist("x-forwarded-for"), *headers.getlist("x-real-ip")])
    found = [part.strip() for part in forwarded.split(",") if part.strip()]
    # A trusted proxy's header has replaced `client`, but not `peer`.
    peer = getattr(request.state, "peer", None)
    # Another server than `python -m app` runs this application, or a proxy names the client in a
    # header that is not read here, or not at all: nginx forwards with HTTP/1.0 by default.
    if (found and peer is None) or "forwarded" in headers or request.scope["http_version"] == "1.0":
        found.append("unknown")
    return found + [sender[0] for sender in (request.client, peer) if sender is not None]


def is_loopback(host: str) -> bool:
    """Return whether *host* can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
