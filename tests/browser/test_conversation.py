"""Conversations in every front end with every authentication, as users have them."""

import re
import time

from playwright.sync_api import expect

from tests.browser.chat import Chat, echo
from tests.browser.conftest import on_every_stage
from tests.browser.stage import Stage
from tests.proofs.feedback import stored_feedback

WORDS = "one two three four five six seven eight nine ten"
CODE = 'Run `make`:\n\n```python\nprint("<b>&amp;</b>", 1 < 2)\n```'
EMOJI = "Grüße 👩‍🚀 from 日本 🇯🇵 and שלום"

pytestmark = on_every_stage


def test_answer_streams_word_by_word(chat: Chat) -> None:
    """The answer grows before the user's eyes, and nothing that was shown changes."""
    with chat.recorded() as shown:
        chat.say(WORDS)
    assert len(shown) > 3
    assert [text for text in shown if not echo(WORDS).startswith(text)] == []
    expect(chat.messages("user")).to_have_text([WORDS])


def test_second_message_is_in_the_same_thread(chat: Chat) -> None:
    """The thread has both messages and both answers, and there is one thread."""
    chat.say("first of two")
    chat.say("second of two")
    expect(chat.messages("user")).to_have_text(["first of two", "second of two"])
    expect(chat.messages("assistant")).to_have_count(2)
    expect(chat.threads("first of two")).to_have_count(1)
    expect(chat.threads("second of two")).to_have_count(0)


def test_stopped_answer_is_kept(chat: Chat) -> None:
    """Stop ends the answer; what was shown stays, also for who opens the thread again."""
    chat.send("stopped " + "word " * 400)
    answer = chat.messages("assistant")
    expect(answer).to_contain_text("word word")
    chat.part("stop").click()
    chat.expect_idle()
    shown = answer.inner_text()
    chat.new_thread()
    chat.open("stopped")
    expect(answer).to_contain_text(shown)
    assert len(answer.inner_text()) < len("word " * 400)
    chat.say("go on")
    expect(chat.messages("assistant")).to_have_count(2)


def test_reload_shows_the_conversation(stage: Stage, chat: Chat) -> None:
    """A page shows the same conversation after a reload, `play` lists it; and it goes on."""
    chat.say("before the reload")
    chat.page.reload()
    if stage.front == "play":
        chat.open("before the reload")
    expect(chat.messages("user")).to_have_text(["before the reload"])
    expect(chat.messages("assistant")).to_have_text([echo("before the reload")])
    chat.say("after the reload")
    expect(chat.messages("user")).to_have_count(2)


def test_threads_are_listed_and_opened(chat: Chat) -> None:
    """Each thread is in the list, the newest first, and shows its own messages."""
    chat.say("apples in a basket")
    chat.new_thread()
    chat.say("pears in a basket")
    listed = chat.threads("in a basket")
    expect(listed).to_contain_text(["pears", "apples"])
    chat.open("apples")
    expect(chat.messages("user")).to_have_text(["apples in a basket"])


def test_thread_is_renamed_and_deleted(chat: Chat) -> None:
    """A new title is in the list, also after a reload; a deleted thread is gone."""
    chat.say("draft of a title")
    chat.rename("draft of a title", "The final title")
    chat.reload("The final title")
    expect(chat.threads("draft of a title")).to_have_count(0)
    chat.delete("The final title")
    expect(chat.threads("The final title")).to_have_count(0)
    chat.page.reload()
    expect(chat.part("composer")).to_be_visible()
    expect(chat.threads("The final title")).to_have_count(0)


def test_retry_replaces_the_answer(chat: Chat) -> None:
    """Retry removes the answer and streams another one to the same message."""
    chat.say("try this again")
    answer = chat.messages("assistant")
    former = answer.get_attribute("data-id") or ""
    chat.part("retry").click()
    expect(answer).not_to_have_attribute("data-id", former)
    chat.expect_answer("try this again")
    expect(answer).to_have_count(1)
    expect(chat.messages("user")).to_have_text(["try this again"])


def test_feedback_is_stored(stage: Stage, chat: Chat) -> None:
    """The backend has the feedback of each kind for the answer."""
    chat.say("how was it")
    item = chat.messages("assistant").get_attribute("data-id")
    for name, kind in (("feedback-up", "positive"), ("feedback-down", "negative")):
        chat.part(name).click()
        deadline = time.monotonic() + 15
        while (item, kind) not in stored(stage):
            assert time.monotonic() < deadline, kind
            chat.page.wait_for_timeout(20)


def test_emoji_and_code_arrive_whole(chat: Chat) -> None:
    """Signs of any script, emoji of several characters and markup come back as they were sent."""
    chat.send(EMOJI)
    expect(chat.messages("assistant").last).to_contain_text(EMOJI)
    chat.expect_idle()
    chat.send(CODE)
    expect(chat.messages("assistant").last).to_contain_text('print("<b>&amp;</b>", 1 < 2)')
    expect(chat.messages("assistant").locator("b")).to_have_count(0)
    chat.expect_idle()


def test_long_text_arrives_whole(chat: Chat) -> None:
    """A long message comes back to its last word."""
    chat.send(" ".join(["long", *(f"{number}" * 200 for number in range(40)), "end"]))
    expect(chat.messages("assistant")).to_contain_text(re.compile(r"(39){200} end\s*$"))


def stored(stage: Stage) -> set[tuple[str, str]]:
    """Return the items that have feedback, with its kind."""
    feedback = stored_feedback(stage.backend.environment)
    return {(item_id, kind) for (_, item_id), kind in feedback.items()}
