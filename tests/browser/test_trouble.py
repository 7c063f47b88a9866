"""What users and backends go through: lost backends, other sites, other users."""

from playwright.sync_api import expect

from tests.browser import probe_site
from tests.browser.chat import Chat
from tests.browser.conftest import FOREIGN, Visit, on_every_stage
from tests.browser.stage import Stage

pytestmark = on_every_stage


def test_backend_is_killed_and_comes_back(stage: Stage, visit: Visit) -> None:
    """The chat says that the answer broke off and that nothing can be sent; then it goes on."""
    visitor = visit()
    chat = stage.enter(visitor)
    chat.say("before the crash")
    chat.send("during the crash " + "word " * 200)
    expect(chat.messages("assistant").last).to_contain_text("word word")
    visitor.expect(*stage.front.lost)
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
        other = Chat(visitor.open(probe_site.address(foreign, stage.endpoint)))
        other.send("written by another site")
        other.expect_error("Failed to fetch")
        expect(other.part("message")).to_have_count(0)
    chat.page.reload()
    chat.say("written by the user")
    expect(chat.threads("written by the user")).to_have_count(1)
    expect(chat.threads("written by another site")).to_have_count(0)


def test_two_users_see_their_own_conversations(stage: Stage, visit: Visit) -> None:
    """Neither the list nor the id of a thread shows a user what another one has written."""
    ada, bob = stage.enter(visit(), "ada"), stage.enter(visit(), "bob")
    ada.say("the secret of ada")
    bob.say("the secret of bob")
    for chat, own, other in ((ada, "ada", "bob"), (bob, "bob", "ada")):
        chat.reload(f"the secret of {own}")
        expect(chat.threads(f"the secret of {other}")).to_have_count(0)
