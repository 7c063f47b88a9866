"""Finds Jinja's tags that were not rendered, in files of all kinds."""

import re

from tests.matrix import QUESTIONS

_TAG = re.compile(r"\{%|\{#|(?<!\$)\{\{ ")
"""A workflow's own expressions are `${{ … }}`."""

_VARIABLES = "|".join(question.key for question in QUESTIONS)
_TAG_IN_JSX = re.compile(rf"\{{%|\{{#|(?<!=)\{{\{{ |\{{\{{ ({_VARIABLES})\b[^:]")
"""An object in an attribute, `={{ height: 600 }}`, is no tag; `={{ endpoint }}` is one."""


def left_in(text: str, suffix: str) -> list[str]:
    """Return the tags in a file with this suffix."""
    tag = _TAG_IN_JSX if suffix in {".tsx", ".jsx"} else _TAG
    return [match[0] for match in tag.finditer(text)]
