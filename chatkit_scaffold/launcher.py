"""Installs a generated project, starts it on a free port of this machine, and always stops it."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from chatkit_scaffold.errors import StartError, ToolError

HOST = "127.0.0.1"

_GRACE = 15.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """A running project.

    Attributes:
        url: Its ChatKit endpoint.
        process: The process that serves it.
        log: The file its output goes to.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """Return everything it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, *, grace: float = _GRACE) -> int:
        """Ask it to end, and end it if it has not after *grace* seconds; return its status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode


def install(project: Path) -> None:
    """Install what *project* needs into its own `.venv`, with its development tools.

    Raises:
        ToolError: There is no uv, or it failed; the message is its own.
    """
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        [*_uv(), "sync", "--quiet", "--project", str(project)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(
            f"uv cannot install {project}: {_last_line(done.stderr)}",
            hint=f"See the whole message: cd {project} && uv sync",
        )


@contextmanager
def serve(
    project: Path,
    env: Mapping[str, str] | None = None,
    *,
    python: Path | None = None,
    timeout: float = 30.0,
) -> Iterator[Server]:
    """Run `python -m app` in *project* until the block ends; yield once it answers.

    Args:
        project: A generated project, already installed.
        env: Environment variables on top of ours; HOST and PORT are chosen here.
        python: The interpreter, when it is not the one of the project's own `.venv`.
        timeout: Seconds it may take to answer.

    Raises:
        StartError: It ended before it answered, or never answered.
    """
    port = _free_port()
    command = [str(python or project_python(project)), "-m", "app"]
    environment = {**os.environ, **(env or {}), "HOST": HOST, "PORT": str(port)}
    with tempfile.TemporaryDirectory(prefix="chatkit-scaffold-") as aside:
        log = Path(aside) / "output.log"
        with log.open("wb") as output:
            # A session of its own, so that Ctrl-C reaches us first and it is stopped in order.
            process = subprocess.Popen(
                command,
                cwd=project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://{HOST}:{port}{endpoint(project)}", process, log)
        try:
            _wait(server, project, timeout)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


def run_app(project: Path, env: Mapping[str, str], *arguments: str) -> str | None:
    """Run `python -m app ARGUMENTS` to its end; return what it printed, None if it refused."""
    done = subprocess.run(
        [str(project_python(project)), "-m", "app", *arguments],
        cwd=project,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def project_python(project: Path) -> Path:
    """Return the interpreter of the project's own environment."""
    return project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def endpoint(project: Path) -> str:
    """Return the path at which *project* serves ChatKit."""
    recorded = (project / ".copier-answers.yml").read_text(encoding="utf-8")
    return str(yaml.safe_load(recorded)["endpoint"])


def _wait(server: Server, project: Path, timeout: float) -> None:
    """Return when the server's health is good; watching the process is what paces the tries."""
    shown = f"cd {project} && uv run python -m app"
    deadline = time.monotonic() + timeout
    while not _healthy(server.url):
        try:
            server.process.wait(_POLL)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            raise StartError(
                f"The backend did not answer within {timeout:g} seconds",
                hint=f"See what it says: {shown}",
            ) from None
        raise StartError(
            f"The backend ended with status {server.process.returncode}: "
            f"{_last_line(server.output())}",
            hint=f"Mend that, and see it start: {shown}",
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _uv() -> list[str]:
    if found := shutil.which("uv"):
        return [found]
    if find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    raise ToolError(
        "uv was not found; it installs the project", hint="Install it: python -m pip install uv"
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
