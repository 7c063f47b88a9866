"""The server under test, its users, and the fixtures that the checks share."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from chatkit_scaffold.conformance.credentials import split_headers
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import Limits

_SHORTEST_SECRET = 6
"""Shorter values, such as a user's number, are also found in other places."""


class Target:
    """A server and its users.

    Attributes:
        user: The first user, who owns the threads that the checks create.
        second_user: Another user, if the caller has credentials of one.
        origin: The origin of the page that shows the chat.
        origin_is_explicit: Whether the caller passed that origin; otherwise it is the default.
        credentials: The first user's headers and cookies that can be credentials.
        fixtures: Results of fixtures, by their function.
    """

    def __init__(
        self, user: Chatkit, second_user: Chatkit | None, *, origin: str, origin_is_explicit: bool
    ) -> None:
        self.user = user
        self.second_user = second_user
        self.origin = origin
        self.origin_is_explicit = origin_is_explicit
        self.fixtures: dict[object, Any] = {}
        self._plain_headers, self.credentials = split_headers(user.headers)
        self._guests: list[Chatkit] = []
        self._extra_clients = AsyncExitStack()

    @property
    def users(self) -> list[Chatkit]:
        """All users of the run, with the clients that have no or other credentials."""
        second = [] if self.second_user is None else [self.second_user]
        return [self.user, *second, *self._guests]

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges of the run so far, of all users."""
        return self.user.journal.exchanges

    @property
    def full_waits(self) -> int:
        """How often the run has waited in vain for as long as it may; see `Patience`."""
        patience = self.user.journal.patience
        return patience.waits if patience else 0

    @property
    def authenticated(self) -> bool:
        """Whether the first user sends headers that can be credentials."""
        return bool(self.credentials)

    def without_secrets(self, text: str) -> str:
        """Return a text of the server without the users' credentials, which it may repeat."""
        for user in (self.user, self.second_user):
            for one in split_headers(user.headers)[1] if user else ():
                if len(one.secret) >= _SHORTEST_SECRET:
                    text = text.replace(one.secret, "<credential>")
        return text

    async def client_without_credentials(
        self, name: str, headers: Mapping[str, str] | None = None
    ) -> Chatkit:
        """Return a client without the first user's credentials and cookies.

        Args:
            name: The client's name in reports.
            headers: Other headers to send, such as credentials that are not valid.
        """
        return await self._client(name, self.user.url, {**self._plain_headers, **(headers or {})})

    async def client_for(self, url: str, headers: Mapping[str, str]) -> Chatkit:
        """Return the first user's client for another URL of the same server.

        Args:
            url: It must have the origin of the endpoint, because the client sends credentials.
            headers: More headers to send.
        """
        cookies = "; ".join(f"{name}={value}" for name, value in self.user.cookies.items())
        sent = {
            name: value for name, value in self.user.headers.items() if name.lower() != "cookie"
        }
        own = {**sent, **({"cookie": cookies} if cookies else {})}
        return await self._client("", url, {**own, **headers})

    async def _client(self, name: str, url: str, headers: Mapping[str, str]) -> Chatkit:
        client = Chatkit(
            url,
            name=name,
            headers=headers,
            origin=self.user.origin,
            limits=self.limits,
            journal=self.user.journal,
            trusted=self.user.trusted,
        )
        self._guests.append(client)
        return await self._extra_clients.enter_async_context(client)

    @property
    def read_only(self) -> bool:
        """Whether the run must not write; requests that might are not sent."""
        return self.user.journal.read_only

    @property
    def limits(self) -> Limits:
        """The limits of the run."""
        return self.user.limits

    async def close(self) -> None:
        """Close all connections."""
        await self._extra_clients.aclose()
        for client in (self.user, self.second_user):
            if client is not None:
                await client.close()


def allowed_origin(exchange: Exchange) -> str:
    """Return the origin whose pages may read a response; empty if there is none."""
    return exchange.headers.get("access-control-allow-origin", "").strip()
