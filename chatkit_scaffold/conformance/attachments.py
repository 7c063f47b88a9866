"""Attachments: creates, uploads and attaches a small file, as the official client does."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from chatkit_scaffold.conformance.check import SkipCheckError
from chatkit_scaffold.conformance.expectations import skip, untestable
from chatkit_scaffold.conformance.fixtures import fixture
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_BOUNDARY = "chatkit-scaffold"
_PORTS = {"http": 80, "https": 443}


def _png() -> bytes:
    """Return an image of one black pixel."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


_FILES = (("note.txt", "text/plain", b"note"), ("dot.png", "image/png", _png()))
"""Many servers take only images."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that the server has registered.

    Attributes:
        id: The attachment's id.
        uploaded: Whether its bytes are where the server wants them. They are not if the server
            names another host for the upload, to which no check sends anything.
    """

    id: str
    uploaded: bool


async def create_file(target: Target) -> File:
    """Register a file of the first user and upload it; skip the check if the server takes none."""
    for name, media_type, content in _FILES:
        created = await target.user.call(
            "attachments.create", name=name, size=len(content), mime_type=media_type
        )
        file_id = text_at(created.json, "id")
        if created.ok and file_id:
            break
    else:
        skip("the server does not support attachments")
    descriptor = dig(created.json, "upload_descriptor")
    uploaded = not descriptor or await _upload(target, descriptor, (name, media_type, content))
    return File(file_id, uploaded)


async def first_file(target: Target) -> tuple[File, Exchange]:
    """Return a file of the first user, and the turn whose message has it; the same every time."""
    found = await _first_file(target)
    if isinstance(found, str):
        skip(found)
    return found


@fixture
async def _first_file(target: Target) -> tuple[File, Exchange] | str:
    """A file and its turn, or why the server takes none from a check."""
    try:
        file = await create_file(target)
    except SkipCheckError as skipped:
        return str(skipped)
    turn = await attach(target.user, file)
    if not file.uploaded and not has_file(turn, file):
        return "the server requires an upload that no check can make, such as to another host"
    return file, turn


async def require_attachable(target: Target) -> None:
    """End the check as untestable if no file can be attached to a message."""
    file, turn = await first_file(target)
    if not has_file(turn, file):
        untestable("no file can be attached to a message")


async def attach(user: Chatkit, file: File) -> Exchange:
    """Create a thread whose first message has the file."""
    message = user_input("Here is a file.", attachments=(file.id,))
    return await user.stream("threads.create", input=message)


def has_file(response: Exchange, file: File) -> bool:
    """Return whether a user's message in a stream, or in a thread as read, has the file."""
    items = [*response.user_messages, *rows(response.json, "items", "data")]
    return any(file.id in ids(rows(item, "attachments")) for item in items)


async def _upload(target: Target, descriptor: Any, file: tuple[str, str, bytes]) -> bool:
    """Send the file as the server's upload descriptor says; return whether that succeeded."""
    url = _upload_url(target, descriptor)
    if not url:
        return False
    named = dig(descriptor, "headers")
    headers = {
        name: value
        for name, value in (named.items() if isinstance(named, dict) else ())
        if isinstance(value, str)
    }
    method = "PUT" if dig(descriptor, "method") == "PUT" else "POST"
    try:
        client = await target.client_for(url, headers)
    except ScaffoldError:
        return False
    for content, content_type in _bodies(method, file):
        # The descriptor's own content type is part of a signed URL.
        own = {} if "content-type" in map(str.lower, headers) else {"content-type": content_type}
        if (await client.send_raw(content, method=method, headers=own)).ok:
            return True
    return False


def _upload_url(target: Target, descriptor: Any) -> str:
    """Return where to upload a file; empty if that is not the same server."""
    endpoint = target.user.url
    try:
        url = urljoin(endpoint, text_at(descriptor, "url") or "")
        return url if _origin(url) == _origin(endpoint) else ""
    except ValueError:
        return ""


def _bodies(method: str, file: tuple[str, str, bytes]) -> list[tuple[bytes, str]]:
    """Return the file as the body of a request: as it is, and for POST as a form first."""
    name, media_type, content = file
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: {media_type}\r\n\r\n"
    form = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    plain = [(content, media_type)]
    if method == "PUT":
        return plain
    return [(form, f"multipart/form-data; boundary={_BOUNDARY}"), *plain]


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; only a URL with the same three is the same server.

    Raises:
        ValueError: It is not a URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
