"""How a user gets to the chat in each front end."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from playwright.sync_api import Page

from tests.browser import probe_site
from tests.browser.backend import Backend
from tests.browser.stage import Show
from tests.browser.visitor import Visitor

PASSWORD = "correct horse battery staple"

Front = Callable[[Backend, str, ExitStack], Show]


def probe(backend: Backend, _auth: str, stack: ExitStack) -> Show:
    """The page in the folder `probe`, which is of another origin than the backend."""
    origin = stack.enter_context(probe_site.running())
    backend.environment["CORS_ORIGINS"] = origin
    return lambda visitor, _user: visitor.open(probe_site.address(origin, backend.url))


def page(backend: Backend, auth: str, _stack: ExitStack) -> Show:
    """The page that the backend itself serves; the address names the user of a token."""

    def show(visitor: Visitor, user: str) -> Page:
        shown = visitor.open(f"{backend.origin}/?user={user}")
        if auth == "session":
            sign_in(shown, user, "Create account")
        return shown

    return show


def sign_in(page: Page, user: str, button: str) -> None:
    """Fill in the form of the authentication `session`."""
    page.get_by_label("E-mail").fill(f"{user}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def play(backend: Backend, auth: str, stack: ExitStack) -> Show:
    """`chatkit-scaffold play`, whose two users have tokens of the backend."""
    addresses: list[str] = []

    def show(visitor: Visitor, user: str) -> Page:
        if not addresses:
            headers = [] if auth == "none" else [backend.header("ada"), backend.header("bob")]
            addresses.append(stack.enter_context(playing(backend.url, *headers)))
        return visitor.open(addresses[0] + ("?user=second" if user == "bob" else ""))

    return show


@contextmanager
def playing(url: str, *headers: str) -> Iterator[str]:
    """Run `play` until the block ends; yield the address of its page.

    Args:
        url: The ChatKit endpoint.
        headers: The credentials of the first user, and of the second one.
    """
    options = [
        option
        for name, header in zip(("--header", "--other-header"), headers, strict=False)
        for option in (name, header)
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "chatkit_scaffold", "play", url, "--no-open", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate()


FRONTS: dict[str, Front] = {"probe": probe, "page": page, "react": page, "play": play}
