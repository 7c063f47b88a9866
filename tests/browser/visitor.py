"""A visitor: one browser context, and what went wrong on its pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

_TOLERATED = [
    r"404.*/favicon\.ico",  # browsers ask for an icon that no page mentions
    r"401.*/auth/me\)",  # a page asks whether somebody is signed in
    r"^ChatKit: Error: Sign in first",  # the React page logs it, unless the form came sooner
    r"404.*/exchanges/\d+\)",  # `play` asks until its record of a stopped answer is complete
]
"""Regular expressions of errors that may come or not."""


@dataclass
class Visitor:
    """Has cookies and storage of its own, and collects the errors of its pages.

    Attributes:
        context: The browser context.
        waits_until: How far a page must be before a test goes on; a script that does not come
            delays its `load`.
        problems: Errors on the console (failed requests and violations of the Content Security
            Policy are among them), and exceptions that nothing caught.
        expected: Regular expressions; an error that matches one is no problem, and each must match.
    """

    context: BrowserContext
    waits_until: Literal["load", "commit"] = "load"
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def open(self, url: str) -> Page:
        """Open a page in a new tab."""
        page = self.context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.goto(url, wait_until=self.waits_until)
        return page

    def expect(self, *patterns: str) -> None:
        """Accept errors that match one of *patterns*; each must occur."""
        self.expected += patterns

    def faults(self) -> Sequence[str]:
        """Return the problems that were not expected, and what was expected and did not occur."""
        unexpected = [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in [*self.expected, *_TOLERATED])
        ]
        missing = [
            f"expected, but did not occur: {pattern}"
            for pattern in self.expected
            if not any(re.search(pattern, problem) for problem in self.problems)
        ]
        return [*unexpected, *missing]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location['url']})")
