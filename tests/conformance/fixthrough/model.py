"""Stands in for a hosted model: it streams words, and knows only the messages that it gets."""

import asyncio
import re
from collections.abc import AsyncIterator

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_DELAY = 0.015
"""Seconds before each word: a hundred users would not notice, a stop finds time to happen."""


async def complete(messages: list[str]) -> AsyncIterator[str]:
    """Stream the answer to the last message, word by word."""
    for word in _reply(messages).split():
        await asyncio.sleep(_DELAY)
        yield f"{word} "


def _reply(messages: list[str]) -> str:
    question = messages[-1] if messages else "nothing"
    if "secret word did I tell" in question:
        found = re.search(r"secret word is (\w+)", " ".join(messages))
        return found.group(1) if found else "I do not know."
    if asked := re.search(r"Answer with just .*?(\w+)\.?$", question):
        return asked.group(1)
    if "count to a hundred" in question:
        return " ".join(_NUMBERS * 3)
    return f"You said: {question[:40]}"
