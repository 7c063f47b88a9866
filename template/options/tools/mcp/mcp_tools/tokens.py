"""Short-lived tokens that prove to the MCP server which user a request is for."""

import secrets
import time

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier

ALGORITHM = "HS256"

AUDIENCE = "mcp"

LIFETIME = 60
"""Seconds; each request has a token of its own."""


class RequestTokens(TokenVerifier):
    """Signs and verifies tokens.

    Attributes:
        key: Never leaves this process; each has another.
    """

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)

    def sign(self, user_id: str) -> str:
        """Return a token for one request of the user."""
        claims = {"sub": user_id, "aud": AUDIENCE, "exp": int(time.time()) + LIFETIME}
        return jwt.encode(claims, self.key, ALGORITHM)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return whom a valid token is for; the server answers 401 to None."""
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["aud", "exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        if not claims["sub"]:
            return None
        return AccessToken(token=token, client_id="backend", scopes=[], subject=claims["sub"])
