"""A tool that knows the user, and shows how far it is."""

from agents import function_tool
from chatkit.types import AssistantMessageItem, ProgressUpdateEvent, ThreadItem, UserMessageItem
from pydantic import BaseModel

from app.model.context import Run

MAX_THREADS = 20
"""The user's newest conversations are searched."""

MAX_ITEMS = 100
"""Of each conversation, the newest items."""

MAX_RESULTS = 10


class Quote(BaseModel):
    """What somebody said in a conversation.

    Attributes:
        conversation: The conversation's title.
        by: `user` or `assistant`.
    """

    conversation: str
    by: str
    text: str


@function_tool
async def search_conversations(run: Run, words: str) -> list[Quote]:
    """Find what was said in the user's earlier conversations.

    Args:
        words: A few words that the text contains, such as "tent" or "train to Rome".
    """
    # Who the user is comes from the request. The model writes the parameters, and a message can
    # talk it into any value.
    context = run.context
    page = await context.store.load_threads(MAX_THREADS, None, "desc", context.request_context)
    found: list[Quote] = []
    for number, thread in enumerate(page.data, start=1):
        progress = f"Searching conversation {number} of {len(page.data)}"
        await context.stream(ProgressUpdateEvent(text=progress, icon="search"))
        items = await context.store.load_thread_items(
            thread.id, None, MAX_ITEMS, "desc", context.request_context
        )
        for item in items.data:
            if thread.id != context.thread.id and matches(words, text_of(item)):
                by = "user" if isinstance(item, UserMessageItem) else "assistant"
                found.append(Quote(conversation=thread.title or "", by=by, text=text_of(item)))
    return found[:MAX_RESULTS]


def matches(words: str, text: str) -> bool:
    """Return whether a text has all the words."""
    return all(word in text.casefold() for word in words.casefold().split())


def text_of(item: ThreadItem) -> str:
    """Return what a message says; other items say nothing."""
    if isinstance(item, UserMessageItem | AssistantMessageItem):
        return "".join(part.text for part in item.content)
    return ""
