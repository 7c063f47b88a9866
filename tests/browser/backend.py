"""A generated backend that can be killed and started again at the same address."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

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
        self.environment = {**environment}
        self.origin = f"http://{launcher.HOST}:{(port := launcher.free_port())}"
        self.url = f"{self.origin}{launcher.endpoint(project)}"
        self._project = project
        self._python = python
        self._port = port
        self._stack = stack
        self.server: launcher.Server

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

    def restart(self) -> None:
        """Start it again, with the variables that it has now."""
        self.server.stop()
        self.start()

    def header(self, user: str) -> str:
        """Return the header that signs a user in."""
        return subprocess.run(
            [self._python, "-m", "app", "token", user],
            cwd=self._project,
            env={**os.environ, **self.server.environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
