"""A Python that has imported its libraries already: `python -m` without the seconds that they take.

A program in two parts. `warm.py serve SOCKET MODULE...` imports the modules, waits for
connections, and forks a process for each. `warm.py run SOCKET -m NAME ARGUMENT...` connects, and
hands over its folder, environment, arguments and open files; it passes on SIGINT and SIGTERM, and
ends as the forked process ends. So it behaves as `python -m NAME ARGUMENT...` does.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

_FORWARDED = (signal.SIGINT, signal.SIGTERM)
_STANDARD_FILES = (0, 1, 2)


def main() -> None:
    """Serve or run, as the command line says."""
    role, address, *arguments = sys.argv[1:]
    if role == "serve":
        serve(address, arguments)
    else:
        run(address, arguments)


def serve(address: str, modules: list[str]) -> None:
    """Import *modules*; then fork for each connection, and return only in the forked process."""
    # Imported here and below because `run`, which starts for each command, needs none of it.
    import gc
    import threading
    from contextlib import suppress
    from importlib import import_module

    for module in modules:
        with suppress(ImportError):  # The process that needs it fails, and says so.
            import_module(module)
    with suppress(ImportError):
        build_models(modules)
    if threading.active_count() > 1:
        sys.exit("a library starts a thread when it is imported, so this process must not fork")
    # What is never looked at again stays shared between the processes.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        # Nobody waits for those that wait for the others.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer(connection)


def build_models(modules: list[str]) -> None:
    """Build what pydantic leaves until a model is first used, which is when a backend starts.

    Only in the libraries' modules of types: `openai` has hundreds of models that nobody uses.
    """
    from pydantic import BaseModel

    for name in sys.modules.keys() & {name for name in modules if "types" in name.split(".")}:
        for model in list(vars(sys.modules[name]).values()):
            if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel:
                model.model_rebuild()


def answer(connection: socket.socket) -> None:
    """Fork the process that was asked for, and report how it ends; return only inside of it."""
    size = int.from_bytes(connection.recv(4))
    received, files, _, _ = socket.recv_fds(connection, 1, len(_STANDARD_FILES))
    while len(received) < size:
        received += connection.recv(size - len(received))
    if process := os.fork():
        report(process, connection)
        os._exit(0)
    connection.close()
    for standard, file in zip(_STANDARD_FILES, files, strict=True):
        os.dup2(file, standard)
        os.close(file)
    become(**json.loads(received))


def report(process: int, connection: socket.socket) -> None:
    """Send the number of a process and its status at the end; kill it if nobody listens."""
    import select
    from contextlib import suppress

    with suppress(ConnectionError):
        connection.sendall(process.to_bytes(4))
    ended = os.pidfd_open(process)
    ready, _, _ = select.select([ended, connection.fileno()], [], [])
    if ended not in ready:  # The other side never sends anything, so it has gone.
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    with suppress(ConnectionError):
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))


def become(folder: str, environment: dict[str, str], arguments: list[str]) -> None:
    """Do what `python` does in this folder and environment, with these arguments."""
    import runpy
    import time

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    option, name, *rest = arguments
    assert option == "-m", arguments
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv[:] = [name, *rest]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def run(address: str, arguments: list[str]) -> None:
    """Let the other process fork one that does what this one was asked to do."""
    request = {"folder": str(Path.cwd()), "environment": dict(os.environ), "arguments": arguments}
    text = json.dumps(request).encode()
    # One that comes before the other process is known waits until it can be passed on.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(len(text).to_bytes(4))
        socket.send_fds(connection, [text[:1]], _STANDARD_FILES)
        connection.sendall(text[1:])
        process = int.from_bytes(connection.recv(4))
        for number in _FORWARDED:
            signal.signal(number, lambda number, _: os.kill(process, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        status = int.from_bytes(connection.recv(4), signed=True)
    if status < 0:
        if -status in _FORWARDED:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()
