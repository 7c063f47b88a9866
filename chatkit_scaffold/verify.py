"""Installs a new project, starts it, and checks it: what `new --check` does."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from chatkit_scaffold import launcher
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.suite import run_checks
from chatkit_scaffold.console import spinner
from chatkit_scaffold.generator.choices import Variable


def verify(project: Path, needed: list[Variable]) -> Report:
    """Return what the checks say about *project*.

    Args:
        project: A project that was just made; its environment is left in `.venv`.
        needed: The variables it must be given; a secret of one's own is made up for the check.

    Raises:
        ToolError: It cannot be installed.
        StartError: It does not start, for want of a key for example.
    """
    with spinner("Installing the backend"):
        launcher.install(project)
    environment = own_secrets(needed)
    with (
        _only_looked_at(project),
        spinner("Checking the backend"),
        launcher.serve(project, environment) as server,
    ):
        first, second = (credentials(project, environment, user) for user in ("first", "second"))
        return run_checks(server.url, headers=first, other_headers=second or None)


def own_secrets(needed: list[Variable]) -> dict[str, str]:
    """Make up what is any random text; keys and addresses are for their owner to set."""
    return {
        variable.name: secrets.token_hex(32)
        for variable in needed
        if variable.name.endswith("_SECRET") and variable.name not in os.environ
    }


def credentials(project: Path, environment: Mapping[str, str], user: str) -> dict[str, str]:
    """Return the header that the project's own `token` command prints, if it has users at all."""
    printed = launcher.run_app(project, environment, "token", user) or ""
    name, separator, value = printed.strip().partition(": ")
    return {name: value} if separator else {}


@contextmanager
def _only_looked_at(project: Path) -> Iterator[None]:
    """Remove what the running project leaves behind, its database for example."""
    before = set(project.iterdir())
    try:
        yield
    finally:
        for path in set(project.iterdir()) - before:
            if path.is_dir():
                rmtree(path)
            else:
                path.unlink()
