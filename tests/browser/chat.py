"""The chat on a page, as a user sees and operates it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect

_RECORD = """() => {
  const root = document.querySelector("openai-chatkit")?.shadowRoot ?? document.body;
  const seen = [];
  new MutationObserver(() => {
    const answers = root.querySelectorAll("[data-testid=message][data-role=assistant]");
    const text = [...answers].at(-1)?.textContent.trim();
    if (text && text !== seen.at(-1)) seen.push(text);
  }).observe(root, { subtree: true, childList: true, characterData: true });
  return seen;
}"""


class Chat:
    """Finds the parts of a chat by their `data-testid`, which are the same in every front end.

    Args:
        page: A page that shows the chat.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, name: str) -> Locator:
        """Return all parts of this name."""
        return self.page.get_by_test_id(name)

    def messages(self, role: str) -> Locator:
        """Return the messages of `user` or `assistant`, oldest first."""
        return self.page.locator(f'[data-testid="message"][data-role="{role}"]')

    def threads(self, title: str) -> Locator:
        """Return the threads in the list whose title contains *title*."""
        return self.part("thread").filter(has_text=title)

    def send(self, text: str) -> None:
        """Type a message and send it."""
        self.part("composer").fill(text)
        self.part("send").click()

    def say(self, text: str) -> None:
        """Send a message, and wait for the end of the echo agent's answer."""
        self.send(text)
        self.expect_answer(text)

    def expect_answer(self, text: str) -> None:
        """Wait until the last answer is the whole echo of *text*, and no more comes."""
        self.expect_text(echo(text))

    def expect_text(self, text: str) -> None:
        """Wait until the last answer is *text*, and no more comes."""
        expect(self.messages("assistant").last).to_have_text(text)
        self.expect_idle()

    def expect_idle(self) -> None:
        """Wait until nothing is streamed."""
        expect(self.part("stop")).to_be_hidden()

    def expect_error(self, words: str) -> None:
        """Wait for an error message that contains *words*."""
        expect(self.part("error")).to_contain_text(re.compile(words, re.IGNORECASE))

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Yield a list that has, after the block, each text that the last answer had in turn."""
        expect(self.part("composer")).to_be_visible()
        handle = self.page.evaluate_handle(_RECORD)
        texts: list[str] = []
        yield texts
        texts += handle.json_value()

    def new_thread(self) -> None:
        """Begin a new thread."""
        self.part("new-thread").click()
        expect(self.part("message")).to_have_count(0)

    def open(self, title: str) -> None:
        """Open the thread of this title from the list."""
        self.threads(title).get_by_role("button").first.click()

    def reload(self, title: str) -> None:
        """Load the page again, and open the thread of this title."""
        self.page.reload()
        expect(self.threads(title)).to_be_visible()
        self.open(title)

    def rename(self, title: str, new_title: str) -> None:
        """Rename the thread of this title."""
        self._answer(new_title)
        self.threads(title).get_by_test_id("thread-rename").first.click()

    def delete(self, title: str) -> None:
        """Delete the thread of this title."""
        self._answer()
        self.threads(title).get_by_test_id("thread-delete").click()

    def _answer(self, text: str | None = None) -> None:
        """Accept the dialog that may come next."""
        self.page.once("dialog", lambda dialog: dialog.accept(text))


def echo(text: str) -> str:
    """Return the echo agent's answer to *text*."""
    return f"You said: {text}"
