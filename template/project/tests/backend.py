"""Starts the backend in its own process, and a client that sends what ChatKit's does."""

import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from app import ENDPOINT
from tests.private import find_private, note_credentials, note_words

Event = dict[str, Any]
Credentials = Callable[[str, str], dict[str, str]]
"""From a user and a backend's URL to the headers that sign this user in there."""

_START_TIMEOUT = 60.0
"""Seconds; a start takes about three, and more on a busy machine."""

_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Plain HTTP needs none, and httpx would read those of the machine for each client."""

_FOR_TESTS = {"LOG_FORMAT": "json", "RATE_LIMIT": "0", "ADDRESS_RATE_LIMIT": "0"}
"""Tests read the log, and send more messages than people do."""


class StartBackend(Protocol):
    """Starts a separate backend for one test, with more environment variables."""

    def __call__(self, **environment: str) -> "Backend":
        """Start it and wait until it listens."""
        ...


@dataclass
class Answer:
    """The events of one stream."""

    events: list[Event] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The events' types, in order."""
        return [event["type"] for event in self.events]

    def of_type(self, kind: str) -> list[Event]:
        """The events of one type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def thread_id(self) -> str:
        """The id of the thread that was created."""
        return str(self.of_type("thread.created")[0]["thread"]["id"])

    @property
    def items(self) -> list[Event]:
        """The finished items."""
        return [event["item"] for event in self.of_type("thread.item.done")]

    @property
    def text(self) -> str:
        """The assistant's finished text."""
        return "".join(item_text(item) for item in self.items if is_answer(item))

    @property
    def deltas(self) -> list[str]:
        """The pieces the assistant's text came in."""
        updates = [event["update"] for event in self.of_type("thread.item.updated")]
        return [update["delta"] for update in updates if "delta" in update]


def http_client(headers: dict[str, str], base_url: str = "") -> httpx.Client:
    """Return an HTTP client for a backend on this machine."""
    return httpx.Client(
        base_url=base_url, headers=headers, timeout=60, trust_env=False, verify=_NO_CERTIFICATES
    )


class Client:
    """Speaks ChatKit for one user."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        note_credentials(headers)
        self._http = http_client(headers)
        self._url = url

    def post(self, operation: str, **params: Any) -> httpx.Response:
        """Send one request and return the whole response."""
        note_words(params)
        return self._http.post(self._url, json={"type": operation, "params": params})

    def post_raw(self, body: bytes, **headers: str) -> httpx.Response:
        """Send any body."""
        headers = {"Content-Type": "application/json", **headers}
        return self._http.post(self._url, content=body, headers=headers)

    def options(self, **headers: str) -> httpx.Response:
        """Ask what may be sent, as a browser does before a request to another origin."""
        return self._http.options(self._url, headers=headers)

    def get(self, path: str) -> httpx.Response:
        """Get a path below the endpoint."""
        return self._http.get(self._url + path)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Send a request that is answered with JSON."""
        result: dict[str, Any] = self.post(operation, **params).raise_for_status().json()
        return result

    @contextmanager
    def streaming(self, operation: str, **params: Any) -> Iterator[Iterator[Event]]:
        """Send a request that is answered with events; leaving the block stops the answer."""
        note_words(params)
        body = {"type": operation, "params": params}
        with self._http.stream("POST", self._url, json=body) as response:
            assert response.status_code == 200, response.read()
            yield read_events(response.iter_bytes())

    def stream(self, operation: str, **params: Any) -> Answer:
        """Send a request and return all of its events."""
        with self.streaming(operation, **params) as events:
            return Answer(list(events))

    def create_thread(self, text: str) -> Answer:
        """Send the first message of a new thread."""
        return self.stream("threads.create", input=message(text))

    def say(self, thread_id: str, text: str) -> Answer:
        """Send another message."""
        return self.stream("threads.add_user_message", thread_id=thread_id, input=message(text))

    def items(self, thread_id: str) -> list[Event]:
        """Return the thread's items, oldest first."""
        page = self.call("items.list", thread_id=thread_id, order="asc", limit=1000)
        items: list[Event] = page["data"]
        return items


class Backend:
    """A backend in a separate process, on a free port of this machine.

    Args:
        environment: Its settings.
        headers_for: Signs users in.
    """

    def __init__(self, environment: dict[str, str], headers_for: Credentials) -> None:
        self.environment = environment
        self.log: list[dict[str, Any]] = []
        self._sign_in = headers_for
        self._credentials: dict[str, dict[str, str]] = {}
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._output = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            env={**bare_environment(), **_FOR_TESTS, **environment, "PORT": "0"},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self.url = str(self.next_log("listening")["url"])

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._output += line
            self._lines.put(line)
        self._lines.put(None)

    def next_log(self, event: str, **fields: str) -> dict[str, Any]:
        """Return the next entry of the log with this event and fields, as soon as it is written."""
        while True:
            line = self._lines.get(timeout=_START_TIMEOUT)
            assert line is not None, f"the backend ended: {self.log}"
            entry: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": line}
            self.log.append(entry)
            if entry["event"] == event and fields.items() <= entry.items():
                return entry

    def client(self, user: str = "alice", headers: dict[str, str] | None = None) -> Client:
        """Return a client for *user*, or one with other headers."""
        return Client(self.url, self.headers_for(user) if headers is None else headers)

    def headers_for(self, user: str) -> dict[str, str]:
        """Return the headers that sign *user* in."""
        if user not in self._credentials:
            self._credentials[user] = self._sign_in(user, self.url)
        return self._credentials[user]

    def send(self, request: bytes) -> bytes:
        """Send any bytes on a new connection and return what comes back until it is closed."""
        address = urlsplit(self.url)
        assert address.hostname is not None
        with socket.create_connection((address.hostname, address.port or 80)) as connection:
            with suppress(ConnectionError):  # It may be closed before all is sent.
                connection.sendall(request)
            received = b""
            with suppress(ConnectionError):
                while chunk := connection.recv(65_536):
                    received += chunk
        return received

    def start_page(self, **headers: str) -> httpx.Response:
        """Get `/`, as a browser does."""
        url = self.url.removesuffix(ENDPOINT) + "/"
        return httpx.get(url, headers=headers, trust_env=False)

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()

    def private_texts(self) -> list[str]:
        """Return what its whole log contains of secrets, credentials and messages."""
        self._reader.join()
        return find_private(self._output, self.environment)


def read_events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Read the events of a stream: `data: `, JSON and an empty line each."""
    # Not by lines: to Python a line also ends at U+2028, which JSON leaves as it is.
    rest = b""
    for chunk in chunks:
        *events, rest = (rest + chunk).split(b"\n\n")
        for event in events:
            assert event.startswith(b"data: ")
            yield json.loads(event.removeprefix(b"data: "))
    assert not rest


def bare_environment() -> dict[str, str]:
    """Return an environment with none of the backend's settings, in which `app` is found."""
    root = str(Path(__file__).parent.parent)
    return {"PYTHONPATH": root, "PATH": os.environ["PATH"], "HOME": str(Path.home())}


def message(text: str) -> dict[str, Any]:
    """Return a message as ChatKit's client sends it."""
    return {
        "content": [{"type": "input_text", "text": text}],
        "quoted_text": "",
        "attachments": [],
        "inference_options": {},
    }


def is_answer(item: Event) -> bool:
    """Return whether an item is an assistant's message."""
    return bool(item["type"] == "assistant_message")


def item_text(item: Event) -> str:
    """Return the text of a message."""
    return "".join(part["text"] for part in item["content"])
