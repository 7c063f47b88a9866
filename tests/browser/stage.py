"""A front end with a backend behind it, on which the cases of `test_conversation.py` run."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.backend import Backend
from tests.browser.chat import Chat
from tests.browser.visitor import Visitor

SETTINGS = {"APP_ENV": "development", "ECHO_DELAY": "0.03", "RATE_LIMIT": "0"}
"""Slow enough to be seen and stopped, and no slower."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a case needs.

    Attributes:
        backend: The backend.
        show: Lets a visitor open the chat as the user of this name.
    """

    backend: Backend
    show: Callable[[Visitor, str], Page]

    def enter(self, visitor: Visitor, user: str = "ada") -> Chat:
        """Let a visitor open the chat as the user of this name."""
        return Chat(self.show(visitor, user))
