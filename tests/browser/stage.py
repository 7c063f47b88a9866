"""A front end with a backend behind it, on which the cases run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count

from playwright.sync_api import Page

from tests.browser.backend import Backend
from tests.browser.chat import Chat
from tests.browser.visitor import Visitor

Show = Callable[[Visitor, str], Page]
"""Lets a visitor open the chat as the user of this name."""

_NUMBERS = count(1)
_SECRETS = {
    "guest": ["GUEST_SECRET"],
    "jwt": ["JWT_SECRET"],
    "oidc": ["OIDC_AUDIENCE"],
    "session": ["SESSION_SECRET"],
}
"""By authentication: the variable that all credentials depend on."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a case needs.

    Attributes:
        front: The name of the front end.
        auth: The name of the backend's authentication.
        backend: The running backend.
        show: Opens the front end.
        stack: Stops what is started on the way.
    """

    front: str
    auth: str
    backend: Backend
    show: Show
    stack: ExitStack

    def enter(self, visitor: Visitor, user: str = "") -> Chat:
        """Let a visitor open the chat as the user of this name, or else as a new one."""
        chat = Chat(self.show(visitor, user or f"user{next(_NUMBERS)}"))
        chat.part("composer").wait_for()
        return chat

    @contextmanager
    def refusing_credentials(self) -> Iterator[None]:
        """Let the backend refuse all credentials of before, while the block runs."""
        former = {**self.backend.environment}
        for name in _SECRETS.get(self.auth, ()):
            self.backend.environment[name] = f"another-{former[name]}"
        self.backend.restart()
        yield
        self.backend.environment = former
        self.backend.restart()
