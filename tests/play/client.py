"""Does what the page does, over HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from chatkit_scaffold.play.server import prepared
from chatkit_scaffold.protocol.client import user_input
from chatkit_scaffold.protocol.event_stream import EventParser

LIST = {"type": "threads.list", "params": {"limit": 1, "order": "desc"}}
"""The simplest request."""


@dataclass(slots=True)
class Answer:
    """A response, and what the server of the page says about it."""

    status: int
    body: bytes
    number: str
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream."""
        parser = EventParser()
        return parser.feed(self.body) + parser.close()

    @property
    def thread_id(self) -> str:
        """The thread that the stream created."""
        created = [event for event in self.events if event["type"] == "thread.created"]
        return str(created[0]["thread"]["id"])

    @property
    def warnings(self) -> dict[str, dict[str, Any]]:
        """The warnings by the id of the check."""
        return {warning["check"]: warning for warning in self.about["warnings"]}


class Page:
    """A page at an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.Client(base_url=address, timeout=30, trust_env=False)

    def send(self, operation: str, *, user: str = "first", **params: Any) -> Answer:
        """Send an operation, read the response, and ask what is wrong with it."""
        return self.send_raw({"type": operation, "params": params}, user=user)

    def send_raw(self, body: Any, *, user: str = "first") -> Answer:
        """Send any JSON."""
        received = b""
        with self.http.stream(
            "POST", "send", params={"user": user}, content=json.dumps(body).encode()
        ) as response:
            try:
                for chunk in response.iter_raw():
                    received += chunk
            except httpx.RemoteProtocolError:
                received += b""  # A torn response, which `about` explains.
        number = response.headers["x-play-exchange"]
        answer = Answer(response.status_code, received, number)
        answer.about = self.http.get(f"exchanges/{number}").json()
        return answer

    def create(self, text: str, *, user: str = "first") -> Answer:
        """Send the first message of a thread."""
        return self.send("threads.create", user=user, input=user_input(text))

    def say(self, thread_id: str, text: str) -> Answer:
        """Send another message."""
        return self.send("threads.add_user_message", thread_id=thread_id, input=user_input(text))


@contextmanager
def playing(
    url: str,
    headers: Mapping[str, str] | None = None,
    other_headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Page]:
    """Serve the page for a backend while the block runs."""
    with prepared(url, headers=headers, other_headers=other_headers, **options) as found:
        address, server = found
        thread = threading.Thread(target=server.run)
        thread.start()
        page = Page(address)
        try:
            yield page
        finally:
            page.http.close()
            server.should_exit = True
            thread.join()


def error_of(response: httpx.Response) -> tuple[int, str, str, str]:
    """Return the status, the code, the message and the hint of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"], error["hint"]
