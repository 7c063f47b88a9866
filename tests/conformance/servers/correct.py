"""The right server: the template's own project, rendered, with places to break it."""

import functools
import importlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import copier
import jwt

from tests.conformance.servers.serving import App

REPOSITORY = Path(__file__).parents[3]
ANSWERS = {"name": "right", "store": "memory", "agent": "echo", "auth": "jwt"}
SECRET = "a shared secret for tests only, 32 bytes or more"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the right server is made of, once it has started; a fault may change any of it."""

    app: Any
    server: Any
    store: Any
    agent: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake.

    Attributes:
        inside: Changes the store, the agent or the server.
        outside: Wraps the application, as a middleware or a proxy does.
        settings: Other settings than the usual ones.
        app: An application of its own instead of the right one.
        timeout: Seconds that the check lets the server be silent.
    """

    inside: Callable[[Parts], None] | None = None
    outside: Callable[[App], App] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    app: Callable[[], App] | None = None
    timeout: float = 5.0


NO_FAULT = Fault()


def headers_for(user: str) -> dict[str, str]:
    """Return the credentials of a user of the right server."""
    token = jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, SECRET, "HS256")
    return {"Authorization": f"Bearer {token}"}


def build(fault: Fault = NO_FAULT) -> App:
    """Return the application with one mistake in it."""
    if fault.app is not None:
        return fault.app()
    settings = {"jwt_secret": SECRET, "echo_delay": 0.012, **fault.settings}
    app = module("app.main").create_app(module("app.settings").Settings(**settings))
    if fault.inside is not None:
        _change_when_started(app, fault.inside)
    wrapped: App = app if fault.outside is None else fault.outside(app)
    return wrapped


def module(name: str) -> Any:
    """Import a module of the rendered project."""
    folder = str(_project())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


@functools.cache
def _project() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="chatkit-right-")
    _KEPT.append(folder)
    dest = Path(folder.name) / "project"
    copier.run_copy(str(REPOSITORY), dest, data=ANSWERS, defaults=True, quiet=True, vcs_ref="HEAD")
    return dest


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Folders to remove when the tests end."""


def _change_when_started(app: Any, change: Callable[[Parts], None]) -> None:
    original = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with original(app) as state:
            server = app.state.server
            change(Parts(app, server, server.store, server._agent))  # noqa: SLF001
            yield state

    app.router.lifespan_context = lifespan
