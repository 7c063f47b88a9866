"""`play` with a backend as in the SDK's quickstart: no users, no titles, answers in one piece."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import Visit
from tests.browser.fronts import playing
from tests.conformance.servers.quickstart import build
from tests.conformance.servers.serving import serve

pytestmark = pytest.mark.xdist_group("play-quickstart")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of `play`."""
    with serve(build()) as url, playing(url) as address:
        yield address


@pytest.fixture
def chat(visit: Visit, address: str) -> Chat:
    """A new thread."""
    chat = Chat(visit().open(address))
    expect(chat.part("status")).to_have_text("Connected")
    return chat


def ask(chat: Chat, word: str) -> None:
    """Ask for a word, and wait for it."""
    before = chat.messages("assistant").count()
    chat.send(f"Answer with just {word}.")
    expect(chat.messages("assistant")).to_have_count(before + 1)
    expect(chat.messages("assistant").last).to_have_text(word)
    chat.expect_idle()


def test_conversation(chat: Chat) -> None:
    """Two messages in one thread, another answer, feedback, and a reload."""
    ask(chat, "apples")
    ask(chat, "pears")
    former = chat.messages("assistant").last.get_attribute("data-id") or ""
    chat.part("retry").last.click()
    expect(chat.messages("assistant").last).not_to_have_attribute("data-id", former)
    expect(chat.messages("assistant")).to_have_text(["apples", "pears"])
    chat.part("feedback-up").last.click()
    expect(chat.part("feedback-up").last).to_have_attribute("aria-pressed", "true")
    chat.page.reload()
    chat.part("thread").get_by_role("button").first.click()
    expect(chat.messages("user")).to_have_count(2)


def test_threads(chat: Chat) -> None:
    """Threads without titles are listed; they get one, open and go."""
    ask(chat, "plums")
    chat.rename("Untitled", "About plums")
    chat.new_thread()
    chat.open("About plums")
    expect(chat.messages("assistant")).to_have_text(["plums"])
    chat.delete("About plums")
    expect(chat.threads("About plums")).to_have_count(0)


def test_broken_rules_are_beside_the_events(chat: Chat) -> None:
    """What `check` reports about the quickstart is beside the event that shows it."""
    ask(chat, "cherries")
    expect(
        chat.page.locator("[data-testid=warning][data-check=items-ids-long]").first
    ).to_be_visible()
