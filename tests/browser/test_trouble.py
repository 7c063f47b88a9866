"""What users and backends go through: lost backends, other sites, other users."""

import time

from playwright.sync_api import expect

from tests.browser import probe_site
from tests.browser.cdn import Cdn
from tests.browser.chat import Chat
from tests.browser.conftest import FOREIGN, Visit, on_every_stage
from tests.browser.fronts import sign_in
from tests.browser.stage import Stage

pytestmark = on_every_stage


def test_backend_is_killed_and_comes_back(stage: Stage, visit: Visit) -> None:
    """The chat says that the answer broke off and that nothing can be sent; then it goes on."""
    visitor = visit()
    chat = stage.enter(visitor)
    chat.say("before the crash")
    chat.send("during the crash " + "word " * 200)
    expect(chat.messages("assistant").last).to_contain_text("word word")
    # The browser logs the answer that breaks off, and what happens to the next request.
    refused = "502" if stage.front == "play" else "ERR_CONNECTION_REFUSED"
    visitor.expect("ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET", refused)
    if stage.front == "react":
        visitor.expect("^ChatKit: ")  # its handler of `chatkit.error` logs the error
    stage.backend.kill()
    chat.expect_error(".")
    chat.expect_idle()
    chat.send("nobody hears this")
    chat.expect_error(".")
    stage.backend.start()
    chat.reload("before the crash")
    chat.say("after the crash")
    expect(chat.messages("user").first).to_have_text("before the crash")
    expect(chat.messages("user").last).to_have_text("after the crash")


def test_page_of_another_site_is_refused(stage: Stage, visit: Visit) -> None:
    """It can neither write as the user who is signed in nor read, and the log has its origin."""
    visitor = visit()
    chat = stage.enter(visitor)
    visitor.expect("blocked by CORS policy", "net::ERR_FAILED")
    with probe_site.running(host=FOREIGN) as foreign:
        other = Chat(visitor.open(probe_site.address(foreign, stage.backend.url)))
        other.send("written by another site")
        other.expect_error("Failed to fetch")
        expect(other.part("message")).to_have_count(0)
    log = stage.backend.server.output().splitlines()
    refusals = [line for line in log if "origin not in CORS_ORIGINS" in line]
    assert [line for line in refusals if foreign in line] != [], refusals
    chat.page.reload()
    chat.say("written by the user")
    expect(chat.threads("written by the user")).to_have_count(1)
    expect(chat.threads("written by another site")).to_have_count(0)


def test_two_users_see_their_own_conversations(stage: Stage, visit: Visit) -> None:
    """The list shows nobody what another user has written; without sign-in all are one user."""
    ada, bob = stage.enter(visit(), "ada"), stage.enter(visit(), "bob")
    ada.say("the secret of ada")
    bob.say("the secret of bob")
    for chat, own, other in ((ada, "ada", "bob"), (bob, "bob", "ada")):
        chat.reload(f"the secret of {own}")
        expect(chat.messages("user")).to_contain_text([f"the secret of {own}"])
        expect(chat.threads(f"the secret of {other}")).to_have_count(int(stage.auth == "none"))


def test_refused_credentials_lead_to_another_sign_in(stage: Stage, visit: Visit) -> None:
    """When the backend accepts no credentials of before, the user signs in again and goes on."""
    visitor = visit()
    chat = stage.enter(visitor, "ada-again")
    chat.say("before the end of the session")
    if stage.auth != "none":
        visitor.expect("401")
    with stage.refusing_credentials():
        chat.new_thread()
        if stage.auth == "session":
            sign_in(chat.page, "ada-again", "Sign in")
        chat.send("after the end of the session")
        if stage.front == "play":
            chat.expect_error("401")
        else:
            chat.expect_answer("after the end of the session")
    if stage.front == "play":
        chat.say("with the credentials of before")


def test_script_that_does_not_come(stage: Stage, visit: Visit, cdn: Cdn) -> None:
    """After eight seconds without ChatKit's script a page says so; `play` does not need it."""
    visitor = visit()
    visitor.context.clock.install()
    visitor.waits_until = "commit"
    with cdn.without_script("silent"):
        page = stage.show(visitor, "ada-offline")
        if stage.front == "play":
            expect(page.get_by_test_id("composer")).to_be_visible()
            return
        problem = page.get_by_text("cdn.platform.openai.com")
        deadline = time.monotonic() + 15
        while not problem.is_visible():  # the page's timer may not run yet
            assert time.monotonic() < deadline
            page.clock.fast_forward(8_100)
