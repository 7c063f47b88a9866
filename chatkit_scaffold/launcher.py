"""Installs a generated project and runs it on a free local port."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from chatkit_scaffold.errors import StartError, ToolError

HOST = "127.0.0.1"

_GRACE = 15.0
"""Seconds in which a server may shut down."""
_POLL = 0.05
"""Seconds between two health checks."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running project.

    Attributes:
        url: Its ChatKit endpoint.
        process: The server process.
        log: The file with its output.
        environment: The variables it was started with, HOST and PORT included.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    environment: Mapping[str, str] = field(repr=False)

    def output(self) -> str:
        """Return its output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Kill it at once, as a power failure does."""
        self.process.kill()
        self.process.wait()

    def stop(self, *, grace: float = _GRACE) -> int:
        """Terminate it, kill it if it runs for *grace* more seconds, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode


def install(project: Path) -> None:
    """Install the dependencies of *project*, including its development tools, into its `.venv`.

    Raises:
        ToolError: uv is missing or failed; the message has its last line of output.
    """
    done = _uv(project, "sync")
    if done.returncode != 0:
        raise ToolError(
            f"uv cannot install {project}: {last_line(done.stderr)}",
            hint=f"See the full output: cd {project} && uv sync",
        )


def lock(project: Path) -> None:
    """Let the `uv.lock` of *project* fit its requirements.

    Raises:
        ToolError: uv is missing or failed; the message has its last line of output.
    """
    done = _uv(project, "lock")
    if done.returncode != 0:
        raise ToolError(
            f"uv cannot lock {project}: {last_line(done.stderr)}",
            hint=f"See the full output: cd {project} && uv lock",
        )


def uv_environment() -> dict[str, str]:
    """Return the environment without what would make uv use another one than the project's."""
    others = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PROJECT"}
    return {key: value for key, value in os.environ.items() if key not in others}


def _uv(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*require_uv(), command, "--quiet", "--project", str(project)],
        cwd=project,
        env=uv_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@contextmanager
def serve(
    project: Path,
    env: Mapping[str, str] | None = None,
    *,
    python: Path | None = None,
    port: int | None = None,
    timeout: float = 30.0,
) -> Iterator[Server]:
    """Run `python -m app` in *project* until the block ends; yield once it is healthy.

    Args:
        project: A generated project with its dependencies installed.
        env: Additional environment variables; HOST and PORT are overridden.
        python: The interpreter; by default, the one in the project's `.venv`.
        port: The port to listen on; by default, one that is free.
        timeout: Seconds to wait until it is healthy.

    Raises:
        StartError: It exited or did not become healthy in time.
    """
    port = port or free_port()
    command = [str(python or project_python(project)), "-m", "app"]
    environment = {**os.environ, **(env or {}), "HOST": HOST, "PORT": str(port)}
    with tempfile.TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
        log = Path(folder) / "output.log"
        with log.open("wb") as output:
            # In a new session, so that Ctrl-C reaches only us and the server shuts down properly.
            process = subprocess.Popen(
                command,
                cwd=project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://{HOST}:{port}{endpoint(project)}", process, log, environment)
        try:
            _wait(server, project, timeout)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


@contextmanager
def services(project: Path, *, timeout: float = 60.0) -> Iterator[dict[str, dict[str, str]]]:
    """Run the services of the project's tests until the block ends; yield their environments.

    Args:
        project: A generated project with its dependencies installed.
        timeout: Seconds to wait until they run.

    Raises:
        StartError: One of them does not start.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            [str(project_python(project)), "-m", "tests.services"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        # They stop when their standard input is closed, as it is when this block ends.
        with process:
            limit = threading.Timer(timeout, process.kill)
            limit.start()
            printed = process.stdout.readline() if process.stdout else ""
            limit.cancel()
            parts = _environments(printed)
            if parts is None:
                process.communicate()
                errors.seek(0)
                reason = printed.strip() or last_line(errors.read())
                raise StartError(
                    f"The services of the project's tests do not start: {reason}",
                    hint=f"See their output: cd {project} && uv run python -m tests.services",
                )
            yield parts


def _environments(printed: str) -> dict[str, dict[str, str]] | None:
    """Return the environment of each part; None if that is not what was printed."""
    try:
        parts = json.loads(printed)
    except ValueError:
        return None
    expected = isinstance(parts, dict) and all(isinstance(part, dict) for part in parts.values())
    return parts if expected else None


def run_app(project: Path, env: Mapping[str, str], *arguments: str) -> str | None:
    """Run `python -m app ARGUMENTS`; return its output, None if its status is not 0."""
    done = subprocess.run(
        [str(project_python(project)), "-m", "app", *arguments],
        cwd=project,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def project_python(project: Path) -> Path:
    """Return the interpreter in the project's `.venv`."""
    return project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def endpoint(project: Path) -> str:
    """Return the path of the project's ChatKit endpoint."""
    recorded = (project / ".copier-answers.yml").read_text(encoding="utf-8")
    return str(yaml.safe_load(recorded)["endpoint"])


def _wait(server: Server, project: Path, timeout: float) -> None:
    """Return once the server is healthy."""
    start_command = f"cd {project} && uv run python -m app"
    deadline = time.monotonic() + timeout
    while not _healthy(server.url):
        try:
            # Sleeps between two health checks, but notices at once if the process exits.
            server.process.wait(_POLL)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            raise StartError(
                f"The backend did not become healthy within {timeout:g} seconds",
                hint=f"See its output: {start_command}",
            ) from None
        raise StartError(
            f"The backend exited with status {server.process.returncode}: "
            f"{last_line(server.output())}",
            hint=f"Fix the cause, then start the backend: {start_command}",
        )


def _healthy(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(HOST, address.port, timeout=5)
    try:
        connection.request("GET", f"{address.path}/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_uv() -> list[str]:
    """Return the command that runs uv.

    Raises:
        ToolError: uv is not installed.
    """
    if found := shutil.which("uv"):
        return [found]
    if find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    raise ToolError(
        "uv was not found; it is required to install the project",
        hint="Install it: python -m pip install uv",
    )


def last_line(text: str) -> str:
    """Return the last line of a program's output that has text, without uv's `error: `."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "(no output)"
