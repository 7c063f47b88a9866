"""Installs, starts and checks a new project, for `new --check` and `new --play`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
        needed: The variables that it requires.

    Raises:
        ToolError: It cannot be installed.
        StartError: It, or a service of its tests, does not start.
    """
    install(project)
    with _without_leftovers(project), spinner("Checking the backend"):
        return check_installed(project, needed)


def install(project: Path) -> None:
    """Install *project* into its `.venv`.

    Raises:
        ToolError: It cannot be installed.
    """
    with spinner("Installing the backend"):
        launcher.install(project)


def check_installed(project: Path, needed: list[Variable]) -> Report:
    """Run *project*, check it and return the report.

    Args:
        project: A project with its dependencies installed.
        needed: The variables that it requires.

    Raises:
        StartError: It, or a service of its tests, does not start.
    """
    with running(project, needed) as backend:
        return run_checks(
            backend.url, headers=backend.headers, other_headers=backend.other_headers or None
        )


@dataclass(frozen=True, slots=True)
class Backend:
    """A running project with two users.

    Attributes:
        url: Its ChatKit endpoint.
        headers: The first user's credentials; empty if the project knows no users.
        other_headers: The second user's credentials.
    """

    url: str
    headers: dict[str, str] = field(repr=False)
    other_headers: dict[str, str] = field(repr=False)


@contextmanager
def running(project: Path, needed: list[Variable]) -> Iterator[Backend]:
    """Run *project* until the block ends, and sign two users in.

    Args:
        project: A project with its dependencies installed.
        needed: The variables that it requires.

    Raises:
        StartError: It, or a service of its tests, does not start.
    """
    with (
        _environment(project, unset(needed)) as environment,
        launcher.serve(project, environment) as server,
    ):
        first, second = (credentials(project, server, user) for user in ("first", "second"))
        yield Backend(server.url, first, second)


def unset(needed: list[Variable]) -> list[str]:
    """Return the names of the variables that the environment does not have."""
    return [variable.name for variable in needed if not os.environ.get(variable.name)]


@contextmanager
def _environment(project: Path, missing: list[str]) -> Iterator[dict[str, str]]:
    """Yield values for the missing variables, from the services that the project's tests run.

    A part gets all or none of its variables: the key of a test's model is for no other one.
    """
    if not missing:
        yield {}
        return
    with launcher.services(project) as parts:
        lacking = [part for part in parts.values() if part.keys() & set(missing)]
        yield {name: value for part in lacking for name, value in part.items()}


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
