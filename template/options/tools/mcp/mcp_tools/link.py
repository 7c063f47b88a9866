"""The way to the MCP server: to our own, or to the one that `MCP_URL` names."""

import logging
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager

import httpx
from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator

from app.base import ChatStore, User
from app.common_settings import CommonSettings
from app.mcp_tools.server import build_server, serving
from app.mcp_tools.tokens import RequestTokens
from app.records import records_of
from app.tasks import Tasks


class ToolSettings(CommonSettings):
    """Settings of the tools."""

    mcp_url: SecretStr | None = None
    """The endpoint of another MCP server, which may have a key in it; by default, our own."""
    tool_timeout: float = Field(default=30, gt=0)
    """How long a tool may take, in seconds."""

    @field_validator("mcp_url")
    @classmethod
    def refuse_other_addresses(cls, value: SecretStr | None) -> SecretStr | None:
        """Reject what is not the address of an HTTP server."""
        if value is not None:
            try:
                TypeAdapter(HttpUrl).validate_python(value.get_secret_value())
            except ValidationError:
                raise ValueError("is not an address such as https://tools.example/mcp") from None
        return value


class Link:
    """How every session reaches the server.

    Args:
        url: The server's endpoint.
        token_of: Returns the bearer token for a request of the user, or None for none.
        proxies: Whether to use the proxies of `HTTP_PROXY` and the like.
    """

    def __init__(
        self, url: str, token_of: Callable[[User], str | None], *, proxies: bool = True
    ) -> None:
        self.url = url
        self.token_of = token_of
        self._proxies = proxies
        # Reads the system's certificates, which takes too long to do for every session.
        self._ssl = httpx.create_ssl_context()

    def client(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient:
        """Return an HTTP client for one session; the MCP clients call this."""
        return httpx.AsyncClient(
            headers=headers,
            timeout=timeout,
            auth=auth,
            verify=self._ssl,
            trust_env=self._proxies,
        )


class UserAuth(httpx.Auth):
    """Adds a token to each request of one user's session.

    Attributes:
        user: The user of the newest request; a session outlives the token it began with.
    """

    def __init__(self, link: Link, user: User) -> None:
        self._link = link
        self.user = user

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send the request with the token that is valid now."""
        token = self._link.token_of(self.user)
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request


@asynccontextmanager
async def open_link(settings: ToolSettings, store: ChatStore) -> AsyncIterator[Link]:
    """Start the server of the to-do list, or find the way to the one of `MCP_URL`."""
    # Their lines have addresses and tracebacks; app/mcp_tools/sessions.py logs what failed.
    for name in ("mcp.client", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if settings.mcp_url is not None:
        yield Link(settings.mcp_url.get_secret_value(), lambda user: user.token)
        return
    tokens = RequestTokens()
    async with serving(build_server(Tasks(records_of(store)), tokens)) as url:
        # A proxy would see the tokens, and would not find this machine's loopback interface.
        yield Link(url, lambda user: tokens.sign(user.id), proxies=False)
