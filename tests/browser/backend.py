"""A generated backend that can be killed and started again at the same address."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from chatkit_scaffold import launcher

_START = 120.0
"""Seconds; a start takes about two, and far more on a machine where much else starts."""


class Backend:
    """Starts and kills the backend of a project.

    Args:
        project: The folder of a generated project.
        environment: The variables that it needs.
        python: An interpreter that has its libraries.
        stack: Stops it at the end.
    """

    def __init__(
        self, project: Path, environment: Mapping[str, str], python: Path, stack: ExitStack
    ) -> None:
        self.environment = environment
        self._project = project
        self._python = python
        self._stack = stack
        self._port = launcher.free_port()
        self.server: launcher.Server

    @property
    def origin(self) -> str:
        """Its address without a path."""
        return f"http://{launcher.HOST}:{self._port}"

    @property
    def url(self) -> str:
        """Its ChatKit endpoint."""
        return f"{self.origin}{urlsplit(self.server.url).path}"

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        self.server = self._stack.enter_context(
            launcher.serve(
                self._project,
                self.environment,
                python=self._python,
                port=self._port,
                timeout=_START,
            )
        )

    def kill(self) -> None:
        """Kill it at once."""
        self.server.kill()
