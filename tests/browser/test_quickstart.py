"""`play` with a backend as in the SDK's quickstart: no users, no titles, answers in one piece."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.chat import Chat
from tests.browser.conftest import Visit
from tests.browser.fronts import playing
from tests.browser.visitor import Visitor
from tests.conformance.servers.quickstart import build
from tests.conformance.servers.serving import serve

pytestmark = pytest.mark.xdist_group("play-quickstart")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of `play`."""
    with serve(build()) as url, playing(url) as address:
        yield address


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """The one who chats."""
    return visit()


@pytest.fixture
def chat(visitor: Visitor, address: str) -> Chat:
    """A new thread."""
    chat = Chat(visitor.open(address))
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


@pytest.mark.parametrize("width", [1280, 400])
def test_conversation_fills_the_window(chat: Chat, width: int) -> None:
    """The page ends where the window ends, whatever is in it, so that the composer can be seen."""
    chat.page.set_viewport_size({"width": width, "height": 700})
    for _ in range(2):
        assert (
            chat.page.evaluate("document.querySelector('main').getBoundingClientRect().bottom")
            == 700
        )
        assert chat.page.evaluate("document.documentElement.scrollWidth") == width
        expect(chat.part("composer")).to_be_in_viewport()
        chat.send("\n".join([*map(str, range(60)), "Answer with just melons."]))
        chat.expect_text("melons")


def rows(chat: Chat, kind: str) -> Locator:
    """Return the inspector's rows of requests or events of a kind."""
    return chat.page.locator(f'[data-testid=row][data-kind="{kind}"]')


def test_row_opens_and_is_filtered(chat: Chat) -> None:
    """A row has its time and size, and its JSON on a click; the filter looks in the JSON, too."""
    ask(chat, "quinces")
    row = rows(chat, "thread.created").last
    expect(row).to_contain_text("ms")
    expect(row).to_contain_text(" B")
    row.locator("summary").click()
    expect(row.get_by_test_id("row-detail")).to_contain_text('"type": "thread.created"')
    everything = chat.part("row").count()
    chat.part("filter").fill("QUINCES")
    expect(rows(chat, "threads.list")).to_have_count(0)
    assert 0 < chat.part("row").count() < everything
    chat.part("filter").fill("")
    expect(chat.part("row")).to_have_count(everything)


def test_request_is_edited_and_sent_again(chat: Chat) -> None:
    """What is sent is what the form has; what is not JSON is a problem in words."""
    ask(chat, "figs")
    request = rows(chat, "threads.create").last
    request.get_by_test_id("edit").click()
    body = request.get_by_test_id("edit-body")
    body.fill(body.input_value().replace("figs", "dates"))
    request.get_by_test_id("edit-send").click()
    expect(chat.messages("assistant").last).to_have_text("dates")
    chat.expect_idle()


def test_request_is_copied_as_curl(chat: Chat) -> None:
    """The command has the backend's address and the request."""
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(chat, "nuts")
    rows(chat, "threads.create").last.get_by_test_id("copy-curl").click()
    command = chat.page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("curl ")
    assert "/chatkit" in command
    assert "Answer with just nuts." in command


def test_session_is_saved_and_opened(chat: Chat, tmp_path: Path) -> None:
    """The file has every exchange; another page shows it with its conversation and warnings."""
    ask(chat, "grapes")
    expect(chat.part("warning").first).to_be_visible()
    with chat.page.expect_download() as download:
        chat.part("save-session").click()
    file = tmp_path / "session.json"
    download.value.save_as(file)
    saved = json.loads(file.read_text(encoding="utf-8"))
    assert [one["request"]["type"] for one in saved["exchanges"]] == [
        "threads.list",
        "threads.create",
    ]
    chat.page.reload()
    chat.part("open-session").set_input_files(file)
    expect(chat.messages("assistant")).to_have_text(["grapes"])
    expect(chat.part("warning").first).to_be_visible()
    expect(chat.part("composer")).to_be_hidden()


def test_file_that_the_backend_does_not_take(chat: Chat, visitor: Visitor, tmp_path: Path) -> None:
    """The page says so, and the conversation goes on."""
    file = tmp_path / "notes.txt"
    file.write_text("notes", encoding="utf-8")
    visitor.expect("500")
    chat.part("attach").set_input_files(file)
    chat.expect_error("attachments.create")
    ask(chat, "olives")
