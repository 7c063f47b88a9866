"""Reads a project's own documentation: its sections, and the code blocks in them."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_PATH = re.compile(r"`([\w./-]+\.\w+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code.

    Attributes:
        language: The word after the opening fence.
        path: The file that the paragraph before it names first; empty if it names none.
        text: The code, with a line end after every line.
    """

    language: str
    path: str
    text: str


def blocks(markdown: str) -> list[Block]:
    """Return the code blocks in order."""
    found = []
    for match in _FENCE.finditer(markdown):
        before = markdown[: match.start()].rstrip().rpartition("\n\n")[2]
        path = None if before.endswith("```") else _PATH.search(before)
        found.append(Block(match[1], path[1] if path else "", match[2]))
    return found


def sections(markdown: str) -> dict[str, str]:
    """Return the text of each section of the second level by its heading."""
    # A line of code may begin with two hashes as well.
    prose = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), markdown)
    headings = list(_HEADING.finditer(prose))
    starts = [heading.start() for heading in headings] + [len(markdown)]
    return {
        heading[1]: markdown[heading.end() : end]
        for heading, end in zip(headings, starts[1:], strict=True)
    }
