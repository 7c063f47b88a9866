"""A browser, the visitors in it, and the server in the place of ChatKit's CDN."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserType, sync_playwright

from tests.browser import cdn as cdn_server
from tests.browser.cdn import Cdn
from tests.browser.chromium import Chromium, NoChromiumError, find
from tests.browser.visitor import Visitor

Visit = Callable[[], Visitor]

FOREIGN = "shop.example"
"""A host that is not the local one to a browser; whatever listens here answers for it."""
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]


@pytest.fixture(scope="package")
def chromium() -> Chromium:
    """The Chromium to use. Without one, a test fails if CI is set, and is skipped otherwise."""
    try:
        return find()
    except NoChromiumError as error:
        reason = f"no Chromium on PATH, and {error}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="package")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """The server in the place of ChatKit's CDN."""
    with cdn_server.running(tmp_path_factory.mktemp("cdn")) as running:
        yield running


# Not for the session: while Playwright runs, its event loop is the thread's running one, and no
# other test could start another.
@pytest.fixture(scope="package")
def browser(chromium: Chromium, cdn: Cdn) -> Iterator[Browser]:
    """A browser without any network but this machine's."""
    with sync_playwright() as playwright:
        yield launch(playwright.chromium, chromium, cdn)


def launch(kind: BrowserType, chromium: Chromium, cdn: Cdn) -> Browser:
    """Start the browser; it finds the CDN and the foreign host at this machine."""
    hosts = [
        f"MAP {cdn_server.HOST}:443 127.0.0.1:{cdn.port}",
        f"MAP {FOREIGN} 127.0.0.1",
        "MAP * ~NOTFOUND",
        "EXCLUDE 127.0.0.1",
        "EXCLUDE localhost",
    ]
    return kind.launch(
        executable_path=chromium.program,
        args=[*ARGUMENTS, f"--host-resolver-rules={', '.join(hosts)}"],
        env={**os.environ, **chromium.environment},
    )


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return a function that lets another visitor come; fail if their pages had errors."""
    with ExitStack() as stack:
        visitors = []

        def come() -> Visitor:
            context = stack.enter_context(browser.new_context(ignore_https_errors=True))
            context.set_default_timeout(15_000)
            visitors.append(Visitor(context))
            return visitors[-1]

        yield come
        faults = [fault for visitor in visitors for fault in visitor.faults()]
    assert faults == []
