"""The server under test, its users, and the fixtures that the checks share."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from http.cookies import SimpleCookie
from typing import Any

from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.limits import Limits

_NOT_CREDENTIALS = frozenset(
    {"accept", "accept-language", "content-type", "ngrok-skip-browser-warning", "user-agent"}
)


class Target:
    """A server and its users.

    Attributes:
        user: The first user, who owns the threads that the checks create.
        second_user: Another user, if the caller has credentials of one.
        origin: The origin of the page that shows the chat.
        origin_is_explicit: Whether the caller passed that origin; otherwise it is the default.
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
        self._credentials = {
            name: value
            for name, value in user.headers.items()
            if name.lower() not in _NOT_CREDENTIALS
        }
        self._extra_clients = AsyncExitStack()

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
        return bool(self._credentials)

    @property
    def bearer_token(self) -> str:
        """The first user's bearer token; empty if there is none."""
        for name, value in self._credentials.items():
            scheme, _, token = value.partition(" ")
            if name.lower() == "authorization" and scheme.lower() == "bearer":
                return token.strip()
        return ""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the first user sends as credentials."""
        sent = [value for name, value in self._credentials.items() if name.lower() == "cookie"]
        return {name: morsel.value for name, morsel in SimpleCookie("; ".join(sent)).items()}

    async def client_without_credentials(
        self, name: str, headers: Mapping[str, str] | None = None
    ) -> Chatkit:
        """Return a client without the first user's credentials and cookies.

        Args:
            name: The client's name in reports.
            headers: Other headers to send, such as credentials that are not valid.
        """
        plain = {
            key: value
            for key, value in self.user.headers.items()
            if key.lower() in _NOT_CREDENTIALS
        }
        client = Chatkit(
            self.user.url,
            name=name,
            headers={**plain, **(headers or {})},
            origin=self.user.origin,
            limits=self.limits,
            journal=self.user.journal,
            trusted=self.user.trusted,
        )
        return await self._extra_clients.enter_async_context(client)

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
