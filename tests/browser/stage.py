"""A front end with a backend behind it, on which the cases of `test_conversation.py` run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Page

from tests.browser import probe_site
from tests.browser.backend import Backend
from tests.browser.chat import Chat
from tests.browser.visitor import Visitor

SETTINGS = {"ECHO_DELAY": "0.03", "RATE_LIMIT": "0", "ADDRESS_RATE_LIMIT": "0"}
"""Slow enough to be seen and stopped; far more messages than users send."""

Show = Callable[[Backend, Visitor, str], Page]
"""Lets a visitor open a backend's chat as the user of this name."""


@dataclass(frozen=True, slots=True)
class Front:
    """A front end.

    Attributes:
        show: Opens it.
        settings: Variables that a backend needs because of it.
        lost: Regular expressions of the browser's errors when the backend is lost.
    """

    show: Show
    settings: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_REFUSED")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a case needs.

    Attributes:
        backend: A running backend.
        front: The front end.
        auth: The name of the backend's authentication.
    """

    backend: Backend
    front: Front
    auth: str

    @property
    def endpoint(self) -> str:
        """The URL that the front end sends to."""
        return self.backend.url

    def enter(self, visitor: Visitor, user: str = "ada") -> Chat:
        """Let a visitor open the chat as the user of this name."""
        return Chat(self.front.show(self.backend, visitor, user))


@contextmanager
def probe() -> Iterator[Front]:
    """The page in `probe`, which is of another origin than the backend."""
    with probe_site.running() as origin:

        def show(backend: Backend, visitor: Visitor, _user: str) -> Page:
            return visitor.open(probe_site.address(origin, backend.url))

        yield Front(show, {"CORS_ORIGINS": origin})


FRONTS = {"probe": probe}
