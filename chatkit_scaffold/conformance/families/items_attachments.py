"""Attachments: a file stays with its message, and is gone once it is deleted."""

from http import HTTPStatus

from chatkit_scaffold.conformance.attachments import (
    attach,
    create_file,
    first_file,
    has_file,
    require_attachable,
)
from chatkit_scaffold.conformance.check import Level
from chatkit_scaffold.conformance.expectations import fail, require, skip
from chatkit_scaffold.conformance.registry import check
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.exchange import Exchange

_STORE = "chatkit/store.py AttachmentStore and Store.load_attachment"


@check(
    "items-attachments-kept",
    level=Level.MUST,
    source=_STORE + "; chatkit/types.py UserMessageItem.attachments",
    fix="Save an attachment in Store.save_attachment, return it from Store.load_attachment, and "
    "keep `attachments` when you save a message.",
    needs={"transport-reachable"},
)
async def attachments_kept(target: Target) -> None:
    """A file can be attached to a message, and is still there when the thread is read."""
    file, turn = await first_file(target)
    require(has_file(turn, file), turn, f"the user's message with the attachment {file.id}")
    if turn.thread_id is None:
        fail(turn, "an event that names the thread")
    read = await target.user.call("threads.get_by_id", thread_id=turn.thread_id)
    require(has_file(read, file), read, f"the message with the attachment {file.id}")


@check(
    "items-attachments-deleted",
    level=Level.MUST,
    source=_STORE + ": delete_attachment",
    fix="Delete the attachment in Store.delete_attachment, too, and raise NotFoundError in "
    "Store.load_attachment for one that does not exist.",
    needs={"transport-reachable"},
)
async def attachments_deleted(target: Target) -> None:
    """A deleted attachment can no longer be attached to a message."""
    await require_attachable(target)
    file = await create_file(target)
    deleted = await target.user.call("attachments.delete", attachment_id=file.id)
    if _declined(deleted):
        skip("the server does not delete attachments")
    require(deleted.ok, deleted, "200: the attachment is deleted")
    turn = await attach(target.user, file)
    expected = "404, as for an attachment that does not exist"
    require(not has_file(turn, file), turn, expected, f"the deleted attachment {file.id} is used")


def _declined(response: Exchange) -> bool:
    return response.is_client_error or response.status == HTTPStatus.NOT_IMPLEMENTED
