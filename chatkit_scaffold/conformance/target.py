"""The server under test, with what the checks share so that nothing is done twice."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import Limits

_NOT_CREDENTIALS = frozenset(
    {"accept", "accept-language", "content-type", "ngrok-skip-browser-warning", "user-agent"}
)


class Target:
    """A server, seen by its users.

    Attributes:
        user: The first user; owns the threads which the checks make.
        other: A second user, if the caller knows one.
        origin: The page that the users' browsers show.
        origin_given: Whether the caller named that page; otherwise it is only a usual one.
    """

    def __init__(
        self, user: Chatkit, other: Chatkit | None, *, origin: str, origin_given: bool
    ) -> None:
        self.user = user
        self.other = other
        self.origin = origin
        self.origin_given = origin_given
        self.fixtures: dict[object, Any] = {}
        self._credentials = {
            name: value
            for name, value in user.sent_headers.items()
            if name.lower() not in _NOT_CREDENTIALS
        }
        self._strangers = AsyncExitStack()

    @property
    def exchanges(self) -> list[Exchange]:
        """Everything that was sent and received so far, by anybody."""
        return self.user.journal.exchanges

    @property
    def authenticated(self) -> bool:
        """Whether the first user sends anything that can be credentials."""
        return bool(self._credentials)

    @property
    def bearer_token(self) -> str:
        """The first user's bearer token; empty when there is none."""
        for name, value in self._credentials.items():
            scheme, _, token = value.partition(" ")
            if name.lower() == "authorization" and scheme.lower() == "bearer":
                return token.strip()
        return ""

    async def stranger(self, name: str, headers: Mapping[str, str] | None = None) -> Chatkit:
        """Return a client without the first user's credentials and cookies."""
        plain = {
            key: value
            for key, value in self.user.sent_headers.items()
            if key.lower() in _NOT_CREDENTIALS
        }
        client = Chatkit(
            self.user.url,
            name=name,
            headers={**plain, **(headers or {})},
            origin=self.user.origin,
            limits=self.limits,
            journal=self.user.journal,
        )
        return await self._strangers.enter_async_context(client)

    @property
    def limits(self) -> Limits:
        """How much the server may take or give."""
        return self.user.limits

    async def close(self) -> None:
        """Close all connections."""
        await self._strangers.aclose()
        for client in (self.user, self.other):
            if client is not None:
                await client.close()


def allowed_origin(exchange: Exchange) -> str:
    """Return the origin that an answer may be read by, empty if by none."""
    return exchange.headers.get("access-control-allow-origin", "").strip()
