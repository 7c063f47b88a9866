"""Attachments: creates, uploads and attaches a small file, as the official client does."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from chatkit_scaffold.conformance.check import SkipCheckError
from chatkit_scaffold.conformance.expectations import skip, untestable
from chatkit_scaffold.conformance.fixtures import fixture
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.errors import ScaffoldError
from chatkit_scaffold.protocol.client import Chatkit, user_input
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at
from chatkit_scaffold.protocol.upload import read_descriptor


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
    upload = read_descriptor(descriptor, target.user.url)
    if upload is None or not upload.same_origin:
        return False
    try:
        client = await target.client_for(upload.url, upload.headers)
    except ScaffoldError:
        return False
    for content, own in upload.bodies(*file):
        if (await client.send_raw(content, method=upload.method, headers=own)).ok:
            return True
    return False
