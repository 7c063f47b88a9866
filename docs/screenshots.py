"""Takes docs/play-light.png and docs/play-dark.png from a real run: `make screenshots`.

`play` shows a conversation with the correct server, whose agent repeats messages: here it answers
from a script. Its ids are short, so that there is a warning to see.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect, sync_playwright

from tests.browser import cdn
from tests.browser.chat import Chat
from tests.browser.chromium import find
from tests.browser.conftest import launch
from tests.browser.fronts import playing
from tests.conformance.servers.correct import build, headers_for, module
from tests.conformance.servers.serving import serve
from tests.conformance.servers.store_faults import FAULTS

FOLDER = Path(__file__).parent
SIZE = {"width": 1280, "height": 720}
FAULT = "items-ids-long"
SCRIPT = {
    "Plan a day in Lisbon": "Ride tram 28 to Graça, then walk down to the river.",
    "What should I eat there?": (
        "Three things:\n\n1. **Pastéis de nata**, warm, with cinnamon\n"
        "2. **Bacalhau à Brás**\n3. Sardines, but only in summer\n\n"
        "Ask for the bill with `a conta, por favor`."
    ),
}
"""Messages and their answers."""


def main() -> None:
    """Take the screenshots."""
    build()  # The module of its agent can be imported from now on.
    module("app.agent").reply = lambda turn: SCRIPT[module("app.titles").message_text(turn)]
    token = f"Authorization: {headers_for('first')['Authorization']}"
    with (
        TemporaryDirectory() as folder,
        cdn.running(Path(folder)) as server,
        serve(build(FAULTS[FAULT])) as url,
        playing(url, token) as address,
        sync_playwright() as playwright,
    ):
        page = launch(playwright.chromium, find(), server).new_page(viewport=SIZE)
        page.goto(address)
        talk(Chat(page))
        page.screenshot(path=FOLDER / "play-light.png")
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=FOLDER / "play-dark.png")


def talk(chat: Chat) -> None:
    """Have the conversation, and look at a warning."""
    for message in SCRIPT:
        chat.send(message)
        chat.expect_idle()
    warned = chat.part("row").filter(has=chat.part("warning"))
    warned.first.locator("summary").click()
    expect(chat.part("row-detail").first).to_be_visible()


if __name__ == "__main__":
    main()
