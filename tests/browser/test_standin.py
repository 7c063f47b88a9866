"""What the tests with the stand-in rest on: it chats, and it notices what it is there to notice."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from tests.browser import probe_site
from tests.browser.backend import Backend
from tests.browser.cdn import Cdn
from tests.browser.chat import Chat
from tests.browser.conftest import FOREIGN, SETTINGS, Visit
from tests.browser.visitor import Visitor
from tests.conftest import Environment
from tests.matrix import Project, the
from tests.proofs.projects import with_projects

CDN = "https://cdn.platform.openai.com"

on_a_backend = with_projects(the(store="memory"))


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The origin of the probe."""
    with probe_site.running() as running:
        yield running


@pytest.fixture(scope="module")
def backend(
    project: Project, origin: str, environment_of: Environment, shared_python: Path
) -> Iterator[Backend]:
    """A backend that allows the probe."""
    environment = environment_of(project) | SETTINGS | {"CORS_ORIGINS": origin}
    with ExitStack() as stack:
        backend = Backend(project.path, environment, shared_python, stack)
        backend.start()
        yield backend


@on_a_backend
def test_it_chats(visit: Visit, backend: Backend, origin: str) -> None:
    """It streams, lists, renames, opens and deletes, and tells the page about it."""
    page = visit().open(probe_site.address(origin, backend.url))
    chat = Chat(page)
    chat.part("start-prompt").click()
    chat.expect_answer("good morning")
    expect(chat.threads("good morning")).to_be_visible()
    chat.rename("good morning", "renamed")
    chat.new_thread()
    chat.open("renamed")
    expect(chat.messages("user")).to_have_text(["good morning"])
    chat.delete("renamed")
    expect(chat.threads("renamed")).to_have_count(0)
    seen = page.evaluate("window.seen")
    assert seen[0] == "ready"
    assert {"response.start", "response.end", "thread.change"} <= {*seen}
    assert "error" not in seen


@on_a_backend
def test_button_stays_while_it_is_pressed(visit: Visit, backend: Backend, origin: str) -> None:
    """A click takes a while, in which what it is on may be drawn again."""
    page = visit().open(probe_site.address(origin, backend.url))
    chat = Chat(page)
    chat.part("start-prompt").hover()
    page.mouse.down()
    page.locator("openai-chatkit").evaluate("element => element.fetchUpdates()")
    page.mouse.up()
    chat.expect_answer("good morning")


@on_a_backend
def test_refused_origin_is_noticed(visit: Visit, backend: Backend) -> None:
    """A page of another origin cannot send: the backend itself answers the preflight."""
    visitor = visit()
    visitor.expect("blocked by CORS policy", "net::ERR_FAILED")
    with probe_site.running(host=FOREIGN) as foreign:
        chat = Chat(visitor.open(probe_site.address(foreign, backend.url)))
        chat.send("from elsewhere")
        chat.expect_error("Failed to fetch")
        expect(chat.part("message")).to_have_count(0)


@on_a_backend
@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (f"default-src 'none'; script-src 'self' {CDN}; connect-src 'self'", "connect-src"),
        ("default-src 'none'; script-src 'self'; connect-src *", "script-src"),
    ],
)
def test_policy_is_enforced(visit: Visit, backend: Backend, policy: str, problem: str) -> None:
    """A Content Security Policy without the backend, or without the CDN, is an error."""
    visitor = visit()
    visitor.expect(f'Content Security Policy directive: "{problem}', "Content Security Policy")
    with probe_site.running(policy) as origin:
        page = visitor.open(probe_site.address(origin, backend.url))
        page.wait_for_function("() => window.seen.includes('error') || document.scripts.length")


def test_script_that_does_not_come_leaves_no_element(visit: Visit, cdn: Cdn, origin: str) -> None:
    """If the CDN has no script, the page can tell."""
    visitor = visit()
    visitor.expect("404")
    with cdn.without_script("missing"):
        page = visitor.open(probe_site.address(origin, "/chatkit"))
    assert page.evaluate("customElements.get('openai-chatkit') === undefined")


def test_options_are_required(visit: Visit, origin: str) -> None:
    """Options without a domain key are an error, as in the real element."""
    visitor = visit()
    visitor.expect("405")  # The probe's own server is no backend.
    page = visitor.open(probe_site.address(origin, origin))
    page.wait_for_function("() => window.seen.includes('ready')")
    with pytest.raises(Error, match="domainKey"):
        page.locator("openai-chatkit").evaluate("chat => chat.setOptions({ api: { url: '/' } })")


def test_errors_of_a_page_are_noticed(browser: Browser, origin: str) -> None:
    """An error that nobody expected is reported, and so is one that did not occur."""
    with browser.new_context(ignore_https_errors=True) as context:
        visitor = Visitor(context)
        page = visitor.open(probe_site.address(origin, origin))
        page.get_by_test_id("composer").wait_for()
        page.evaluate("console.error('first')")
        page.evaluate("setTimeout(() => { throw new Error('second'); })")
        visitor.expect("405", "first", "third")
        page.wait_for_function("() => window.seen.includes('ready')")
    assert visitor.faults() == ["uncaught: second", "expected, but did not occur: third"]
