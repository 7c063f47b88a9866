"""Stands in for a hosted model: it streams its answers, and knows only the messages it gets."""

import asyncio
import re
from collections.abc import AsyncIterator

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DELAY = 0.015
"""Seconds before each piece of an answer."""


async def complete(messages: list[str]) -> AsyncIterator[str]:
    """Stream the answer to the last message, piece by piece."""
    for piece in _answer(messages):
        await asyncio.sleep(_DELAY)
        yield piece


def _answer(messages: list[str]) -> list[str]:
    question = messages[-1] if messages else "nothing"
    if "count to a hundred" in question:
        return [f"{number} " for number in _NUMBERS * 3]
    if "secret word did I tell" in question:
        found = re.search(r"secret word is (\w+)", " ".join(messages))
        return [found.group(1) if found else "I do not know."]
    if asked := re.search(r"Answer with just .*?(\w+)\.?$", question):
        return [asked.group(1)]
    return ["You said: ", question]
