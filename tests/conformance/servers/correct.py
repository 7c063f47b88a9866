"""The correct server: a project generated from the template, with hooks for faults."""

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
ANSWERS = {"name": "correct", "store": "memory", "agent": "echo", "auth": "jwt"}
SECRET = "a shared secret for tests only, 32 bytes or more"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the running server, for faults to patch."""

    app: Any
    server: Any
    store: Any
    agent: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake to build into the correct server.

    Attributes:
        patch: Changes the store, the agent or the server.
        middleware: Wraps the application, as middleware or a proxy does.
        settings: Overrides of the settings.
        app: Creates another application, which replaces the correct one.
        timeout: Seconds that the checks wait for the server's next byte.
    """

    patch: Callable[[Parts], None] | None = None
    middleware: Callable[[App], App] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    app: Callable[[], App] | None = None
    timeout: float = 5.0


NO_FAULT = Fault()


def headers_for(user: str) -> dict[str, str]:
    """Return the credentials of a user of the correct server."""
    token = jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, SECRET, "HS256")
    return {"Authorization": f"Bearer {token}"}


def build(fault: Fault = NO_FAULT) -> App:
    """Return the application with a fault in it."""
    if fault.app is not None:
        return fault.app()
    unlimited = {"rate_limit": "0", "address_rate_limit": "0"}
    settings = {"jwt_secret": SECRET, "echo_delay": 0.012, **unlimited, **fault.settings}
    app = module("app.main").create_app(module("app.settings").Settings(**settings))
    if fault.patch is not None:
        _patch_when_started(app, fault.patch)
    wrapped: App = app if fault.middleware is None else fault.middleware(app)
    return wrapped


def module(name: str) -> Any:
    """Import a module of the generated project."""
    folder = str(_project())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


@functools.cache
def _project() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="chatkit-correct-")
    _FOLDERS.append(folder)
    dest = Path(folder.name) / "project"
    copier.run_copy(str(REPOSITORY), dest, data=ANSWERS, defaults=True, quiet=True, vcs_ref="HEAD")
    return dest


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Keeps the project's folder until the tests end."""


def _patch_when_started(app: Any, patch: Callable[[Parts], None]) -> None:
    original = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with original(app) as state:
            server = app.state.server
            patch(Parts(app, server, server.store, server._agent))  # noqa: SLF001
            yield state

    app.router.lifespan_context = lifespan
