"""Attacks on a running backend's connections, and next to each what must still work."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatkit_scaffold import launcher
from tests.matrix import the
from tests.template.how_to import MakeProject

pytestmark = pytest.mark.xdist_group("attacks")

OPEN_FILES = 128
HEAD = b"POST /chatkit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /chatkit/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIST = b'{"type": "threads.list", "params": {}}'


class Attacked:
    """A backend, seen from its sockets."""

    def __init__(self, server: launcher.Server) -> None:
        address = urlsplit(server.url)
        self._address = (address.hostname, address.port)
        self._server = server

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(self._address, timeout=30)

    def ask(self, request: bytes) -> bytes:
        """Send a request on a new connection and return the beginning of the response."""
        with self.connect() as connection:
            connection.sendall(request)
            return connection.recv(65_536)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._server.stop(grace=60)

    def log(self, **fields: str) -> list[dict[str, object]]:
        """Return the entries of the log with these fields."""
        lines = self._server.output().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if fields.items() <= entry.items()]


class Serve:
    """Runs the backend with other settings."""

    def __init__(self, project: Path, python: Path) -> None:
        self._project = project
        self._python = python

    @contextmanager
    def __call__(self, **environment: str) -> Iterator[Attacked]:
        """Yield the running backend."""
        settings = {"LOG_FORMAT": "json", **environment}
        with launcher.serve(self._project, settings, python=self._python) as server:
            yield Attacked(server)


@pytest.fixture(scope="module")
def serve(generate: MakeProject, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Return a function that runs a backend with few open files allowed."""
    project = generate(the(store="memory")).path
    launcher.install(project)
    python = tmp_path_factory.mktemp("bin") / "python"
    interpreter = launcher.project_python(project)
    python.write_text(f'#!/bin/sh\nulimit -n {OPEN_FILES}\nexec "{interpreter}" "$@"\n')
    python.chmod(0o755)
    return Serve(project, python)


def create_request(text: str) -> dict[str, object]:
    """Return the first message of a new thread."""
    content = [{"type": "input_text", "text": text}]
    message = {"content": content, "attachments": [], "inference_options": {}}
    return {"type": "threads.create", "params": {"input": message}}


def post(request: dict[str, object]) -> bytes:
    """Return a request as it is sent."""
    body = json.dumps(request).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def streaming(backend: Attacked, words: int) -> Iterator[socket.socket]:
    """Yield a connection on which an answer has begun."""
    with backend.connect() as connection:
        connection.sendall(post(create_request("word " * words)))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        yield connection


def read_to_end(connection: socket.socket) -> bytes:
    """Return the rest of a stream, or of what the server sends before it closes the connection."""
    received = b""
    while not received.endswith(b"\r\n0\r\n\r\n") and (chunk := connection.recv(65_536)):
        received += chunk
    return received


def read_json(connection: socket.socket) -> bytes:
    """Return a response that ends with a JSON object."""
    received = b""
    while not received.endswith(b"}") and (chunk := connection.recv(65_536)):
        received += chunk
    return received


def test_idle_connections_lock_nobody_out(serve: Serve) -> None:
    """With more connections than files may be open, idle ones are closed, and answers go on."""
    with serve(ECHO_DELAY="0.05") as backend, ExitStack() as stack:
        answer = stack.enter_context(streaming(backend, 60))
        for _ in range(OPEN_FILES * 2):
            stack.enter_context(backend.connect())
        assert backend.ask(HEALTH).startswith(b"HTTP/1.1 200 ")
        assert b'"thread.item.done"' in read_to_end(answer)
        assert len(backend.log(reason="MAX_CONNECTIONS reached")) == 1


def test_unread_responses_lock_nobody_out(serve: Serve) -> None:
    """Idle connections give way to new ones also if nobody reads their last response."""
    large = {"MAX_BODY_BYTES": "9000000", "MAX_MESSAGE_CHARS": "9000000"}
    with serve(MAX_CONNECTIONS="2", ECHO_DELAY="0", **large) as backend, ExitStack() as stack:
        with backend.connect() as connection:
            connection.sendall(post(create_request("x" * 8_000_000)))
            answer = read_to_end(connection)
        found = re.search(rb"thr_\w+", answer)
        assert found is not None
        params = {"thread_id": found[0].decode()}
        for _ in range(2):
            connection = stack.enter_context(backend.connect())
            connection.sendall(post({"type": "threads.get_by_id", "params": params}))
            assert connection.recv(1) == b"H"
        for _ in range(4):
            assert backend.ask(HEALTH).startswith(b"HTTP/1.1 200 ")


def test_busy_connections_are_kept(serve: Serve) -> None:
    """If no connection is idle, a new one is refused, until one of the others is free."""
    with serve(MAX_CONNECTIONS="2", ECHO_DELAY="0.05") as backend:
        with streaming(backend, 40) as first, streaming(backend, 40) as second:
            with backend.connect() as third:
                assert third.recv(65_536).startswith(b"HTTP/1.1 503 ")
            assert all(b'"thread.item.done"' in read_to_end(answer) for answer in (first, second))
            assert backend.ask(HEALTH).startswith(b"HTTP/1.1 200 ")
        assert backend.log(reason="too_many_connections")


def test_endless_header_is_cut_off(serve: Serve) -> None:
    """A header without an end is not read to the end."""
    with serve() as backend, backend.connect() as connection:
        connection.sendall(HEAD + b"X: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 150_000_000)
        assert backend.ask(HEALTH).startswith(b"HTTP/1.1 200 ")
        assert len(backend.log(reason="headers_too_large")) == 1


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(HEAD, b"X: y\r\n"), (HEAD + b"Content-Length: 1000\r\n\r\n", b" ")],
    ids=["headers", "body"],
)
def test_slow_request_is_cut_off(serve: Serve, begin: bytes, piece: bytes) -> None:
    """A client that sends a few bytes again and again does not keep its connection."""
    with serve(HEADER_TIMEOUT="1", BODY_TIMEOUT="1") as backend, backend.connect() as connection:
        connection.sendall(begin)
        connection.settimeout(0.2)
        response = b""
        while not response:
            connection.sendall(piece)
            try:
                response = connection.recv(65_536)
            except TimeoutError:
                continue
        assert response.startswith(b"HTTP/1.1 408 ")
        assert backend.log(reason="request_timeout")


def test_slow_but_steady_clients_are_served(serve: Serve) -> None:
    """An upload over a slow network, a long answer and a pause outlast all timeouts."""
    with (
        serve(HEADER_TIMEOUT="1", BODY_TIMEOUT="1", ECHO_DELAY="0.1") as backend,
        backend.connect() as connection,
        streaming(backend, 40) as answer,
    ):
        padding = b" " * 6_000
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (10 * 6_000 + len(LIST)))
        for _ in range(10):
            time.sleep(0.3)
            connection.sendall(padding)
        connection.sendall(LIST)
        assert read_json(connection).startswith(b"HTTP/1.1 200 ")
        time.sleep(1.5)
        connection.sendall(HEALTH)
        assert read_json(connection).startswith(b"HTTP/1.1 200 ")
        assert b'"thread.item.done"' in read_to_end(answer)


def test_unused_connection_is_closed(serve: Serve) -> None:
    """A connection that sends nothing is closed after KEEP_ALIVE, new or not."""
    with serve(KEEP_ALIVE="1") as backend:
        with backend.connect() as unused:
            assert unused.recv(1) == b""
        with backend.connect() as used:
            used.sendall(HEALTH)
            assert read_json(used).startswith(b"HTTP/1.1 200 ")
            assert used.recv(1) == b""


def test_refused_upload_does_not_keep_its_connection(serve: Serve) -> None:
    """A client that sends the rest after a 413 has an unused connection like any other."""
    upload = HEAD + b"Content-Length: 4000\r\n\r\n"
    with serve(KEEP_ALIVE="1", MAX_BODY_BYTES="1000") as backend, backend.connect() as connection:
        connection.sendall(upload + b" " * 2000)
        assert read_json(connection).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b" " * 2000 + HEALTH)
        assert read_json(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(upload + b" " * 2000)
        assert read_json(connection).startswith(b"HTTP/1.1 413 ")
        connection.sendall(b" " * 2000)
        assert connection.recv(1) == b""


def test_leaving_ends_the_answer_although_more_was_asked(serve: Serve) -> None:
    """A client that sends its next request early, and leaves, stops the answer like any other."""
    with serve(ECHO_DELAY="0.05") as backend:
        with streaming(backend, 400) as connection:
            connection.sendall(HEALTH)
        while not (ended := backend.log(operation="threads.create")):
            time.sleep(0.05)
        assert ended[0]["stopped"] is True
        assert not backend.log(level="error")


def test_answer_that_a_shutdown_interrupts_is_no_fault(serve: Serve) -> None:
    """The log has its request, and no traceback."""
    with serve(SHUTDOWN_GRACE="0", ECHO_DELAY="0.05") as backend:
        with streaming(backend, 400):
            backend.stop()
        [ended] = backend.log(operation="threads.create")
        assert ended["stopped"] is True
        assert not [entry for entry in backend.log() if "exception" in entry]
