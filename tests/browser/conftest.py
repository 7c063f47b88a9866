"""A browser, the visitors in it, and the server in the place of ChatKit's CDN."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Playwright, expect, sync_playwright

from chatkit_scaffold.generator import questions
from tests.browser import cdn as cdn_server
from tests.browser.backend import Backend
from tests.browser.cdn import Cdn
from tests.browser.chat import Chat
from tests.browser.chromium import Chromium, NoChromiumError, find
from tests.browser.fronts import FRONTS
from tests.browser.stage import Stage
from tests.browser.visitor import Visitor
from tests.conftest import Environment
from tests.matrix import POSSIBLE, Project, the
from tests.template.react_workshop import PACKAGE, ReactWorkshop

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
_PATIENCE = 15_000
"""Milliseconds that a test waits for what should be on a page."""

SETTINGS = {"ECHO_DELAY": "0.02", "RATE_LIMIT": "0", "ADDRESS_RATE_LIMIT": "0"}
"""Slow enough to be seen and stopped; far more messages than users send."""

AUTHS = sorted({answers["auth"] for answers in POSSIBLE})
STAGES = [
    *[
        (front, the(store="sqlite", auth=auth, frontend=front))
        for front in ("page", "react")
        for auth in AUTHS
    ],
    ("play", the(store="sqlite", auth="jwt")),
]
"""Front ends, and the names of the combinations behind them."""
_BY_NAME = {questions.combination_name(answers): answers for answers in POSSIBLE}


def on_stages(*stages: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test on each of these stages.

    Tests that have the same stages in the same order share them: pytest sets each up once.
    """
    parameters = [
        pytest.param(
            front,
            _BY_NAME[name],
            id=f"{front}-{name}",
            marks=pytest.mark.xdist_group("react" if front == "react" else f"{front}-{name}"),
        )
        for front, name in stages
    ]
    return pytest.mark.parametrize(("front", "project"), parameters, indirect=True)


on_every_stage = on_stages(*STAGES)
"""Runs a test on each stage of the echo agent."""


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
def playwright() -> Iterator[Playwright]:
    """Playwright, of which a process can run only one."""
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: Chromium, cdn: Cdn) -> Browser:
    """A browser without any network but this machine's; it ends with Playwright."""
    return launch(playwright.chromium, chromium, cdn)


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
            context.set_default_timeout(_PATIENCE)
            visitors.append(Visitor(context))
            return visitors[-1]

        yield come
        faults = [fault for visitor in visitors for fault in visitor.faults()]
    assert faults == []


@pytest.fixture(scope="session")
def front(request: pytest.FixtureRequest) -> str:
    """The name of a front end."""
    return str(request.param)


@pytest.fixture(scope="session")
def react(tmp_path_factory: pytest.TempPathFactory) -> ReactWorkshop:
    """The packages of the React pages."""
    return ReactWorkshop.install(Path(tmp_path_factory.mktemp("react")), PACKAGE)


@pytest.fixture(scope="package")
def folder(request: pytest.FixtureRequest, front: str, project: Project) -> Path:
    """The project's folder; a React page is built in it."""
    if front != "react":
        return project.path
    react: ReactWorkshop = request.getfixturevalue("react")
    copy = react.add(project, project.name)
    react.tool("vite", "build", folder=copy / "web")
    return copy


@pytest.fixture(scope="package")
def stage(
    front: str, project: Project, folder: Path, environment_of: Environment, shared_python: Path
) -> Iterator[Stage]:
    """The front end, and a backend behind it."""
    auth = project.answers["auth"]
    with ExitStack() as stack:
        environment = {**environment_of(project), **SETTINGS}
        backend = Backend(folder, environment, shared_python, stack)
        show = FRONTS[front](backend, auth, stack)
        backend.start()
        yield Stage(front, auth, backend, show, stack)


@pytest.fixture
def chat(stage: Stage, visit: Visit) -> Chat:
    """A user's chat."""
    return stage.enter(visit())
