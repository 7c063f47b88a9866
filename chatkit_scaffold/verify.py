"""Installs, starts and checks a new project, for `new --check`."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from chatkit_scaffold import launcher
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.console import spinner
from chatkit_scaffold.generator.choices import Variable


def verify(project: Path, needed: list[Variable]) -> Report:
    """Check *project* and return the report.

    Args:
        project: A new project; its environment is left in `.venv`.
        needed: The variables that it requires; secrets get random values for the check.

    Raises:
        ToolError: It cannot be installed.
        StartError: It does not start, for example because an API key is missing.
    """
    with spinner("Installing the backend"):
        launcher.install(project)
    environment = random_secrets(needed)
    with (
        _without_leftovers(project),
        spinner("Checking the backend"),
        launcher.serve(project, environment) as server,
    ):
        first, second = (credentials(project, server, user) for user in ("first", "second"))
        return run_checks(server.url, headers=first, other_headers=second or None)


def random_secrets(needed: list[Variable]) -> dict[str, str]:
    """Return random values for the secrets that are not set; keys and URLs have no such value."""
    return {
        variable.name: secrets.token_hex(32)
        for variable in needed
        if variable.name.endswith("_SECRET") and variable.name not in os.environ
    }


def credentials(project: Path, server: launcher.Server, user: str) -> dict[str, str]:
    """Return the header that the project's `token` command prints; empty without that command."""
    printed = launcher.run_app(project, server.environment, "token", user) or ""
    name, separator, value = printed.strip().partition(": ")
    return {name: value} if separator else {}


@contextmanager
def _without_leftovers(project: Path) -> Iterator[None]:
    """Remove the files that the running project creates, such as its database."""
    before = set(project.iterdir())
    try:
        yield
    finally:
        for path in set(project.iterdir()) - before:
            if path.is_dir():
                rmtree(path)
            else:
                path.unlink()
