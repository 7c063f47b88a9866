"""The correct server with attachments, uploaded at once or in two phases, and its faults."""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

from collections.abc import Callable
from typing import Any

from chatkit.store import AttachmentStore, NotFoundError
from chatkit.types import AttachmentUploadDescriptor, FileAttachment, ImageAttachment
from starlette.requests import Request
from starlette.responses import Response

from tests.conformance.servers.correct import Fault, Parts, module

Key = tuple[str, str]
_IMAGES = "image/"


class Files(AttachmentStore[Any]):
    """Each user's attachments, in memory.

    Args:
        upload: The URL that takes the bytes; without one, `attachments.create` is enough.
        images_only: Whether other files are declined.
    """

    def __init__(self, upload: str = "", *, images_only: bool = False) -> None:
        self.records: dict[Key, Any] = {}
        self.missing: set[str] = set()
        """Ids of the attachments whose bytes have not arrived."""
        self._upload = upload
        self._images_only = images_only

    async def create_attachment(self, params: Any, context: Any) -> Any:
        """Return a record, with the place for the bytes if there is one."""
        if self._images_only and not params.mime_type.startswith(_IMAGES):
            raise module("app.errors").ApiError(415, "not_an_image", "Only images, please.")
        attachment_id = self.generate_attachment_id(params.mime_type, context)
        descriptor = None
        if self._upload:
            self.missing.add(attachment_id)
            url = f"{self._upload}?id={attachment_id}"
            descriptor = AttachmentUploadDescriptor.model_validate({"url": url, "method": "POST"})
        record = {"id": attachment_id, "name": params.name, "mime_type": params.mime_type}
        if params.mime_type.startswith(_IMAGES):
            return ImageAttachment.model_validate(
                {
                    **record,
                    "upload_descriptor": descriptor,
                    "preview_url": "https://files.example/1",
                }
            )
        return FileAttachment(**record, upload_descriptor=descriptor)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        """Remove the bytes; the record is the store's."""
        await self.load(attachment_id, context)

    async def save(self, attachment: Any, context: Any) -> None:
        """Replace the user's record."""
        self.records[context.user_id, attachment.id] = attachment

    async def load(self, attachment_id: str, context: Any) -> Any:
        """Return the user's record, once its bytes are there."""
        key = (context.user_id, attachment_id)
        if key not in self.records or attachment_id in self.missing:
            raise NotFoundError(attachment_id)
        return self.records[key]

    async def forget(self, attachment_id: str, context: Any) -> None:
        """Remove the user's record."""
        self.records.pop((context.user_id, attachment_id), None)


def serving_files(
    change: Callable[[Files], None] | None = None, **arguments: Any
) -> Callable[[Parts], None]:
    """Offer attachments; *change* builds a mistake into them."""

    def patch(parts: Parts) -> None:
        files = Files(**arguments)
        if change is not None:
            change(files)
        parts.server.attachment_store = files
        parts.store.save_attachment = files.save
        parts.store.load_attachment = files.load
        parts.store.delete_attachment = files.forget

    return patch


def _uploaded_here(parts: Parts) -> None:
    """Take the bytes on a route beside the endpoint, from the user who registered the file."""
    serving_files()(parts)
    files: Files = parts.server.attachment_store

    async def create(params: Any, context: Any) -> Any:
        port = parts.app.state.port
        files._upload = f"http://127.0.0.1:{port}/files"  # noqa: SLF001 - known once it serves
        return await Files.create_attachment(files, params, context)

    async def upload(request: Request) -> Response:
        user = await parts.app.state.authenticate(request)
        form = await request.body()
        if (user.id, request.query_params["id"]) not in files.records or b"note" not in form:
            return Response(status_code=404)
        files.missing.discard(request.query_params["id"])
        return Response(status_code=204)

    files.create_attachment = create  # type: ignore[method-assign]
    parts.app.add_route("/files", upload, methods=["POST"])


def _remembering_port(app: Any) -> Any:
    """Tell the application on which port it is reached."""

    async def changed(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            app.state.port = scope["server"][1]
        await app(scope, receive, send)

    return changed


def _never_deleted(files: Files) -> None:
    async def forget(attachment_id: str, context: Any) -> None:
        """Keep the record."""

    files.forget = forget  # type: ignore[method-assign]


def _everybodys(files: Files) -> None:
    """Look records up by id alone, as a table without an owner does."""

    async def load(attachment_id: str, context: Any) -> Any:
        for (_, found), record in files.records.items():
            if found == attachment_id:
                return record
        raise NotFoundError(attachment_id)

    files.load = load  # type: ignore[method-assign]


def _deleted_by_anybody(files: Files) -> None:
    """Delete records by id alone."""

    async def delete(attachment_id: str, context: Any) -> None:
        """Accept every id."""

    async def forget(attachment_id: str, context: Any) -> None:
        for key in [key for key in files.records if key[1] == attachment_id]:
            del files.records[key]

    files.delete_attachment, files.forget = delete, forget  # type: ignore[method-assign]


def _deleting_is_silent(files: Files) -> None:
    """Return 200 for every id, known or not, and delete only the user's own."""

    async def delete(attachment_id: str, context: Any) -> None:
        """Accept every id."""

    files.delete_attachment = delete  # type: ignore[method-assign]


def _dropped_from_messages(parts: Parts) -> None:
    """Save messages without their attachments."""
    serving_files()(parts)
    original = parts.store.save_item

    async def save_item(thread_id: str, item: Any, context: Any) -> None:
        if item.type == "user_message":
            item = item.model_copy(update={"attachments": []})
        await original(thread_id, item, context)

    parts.store.save_item = save_item


FAULTS: dict[str, Fault] = {
    "items-attachments-kept": Fault(patch=_dropped_from_messages),
    "items-attachments-deleted": Fault(patch=serving_files(_never_deleted)),
    "access-attachments-separate": Fault(patch=serving_files(_everybodys)),
}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    "attachments deleted by anybody": (
        "access-attachments-separate",
        Fault(patch=serving_files(_deleted_by_anybody)),
    ),
}
ODD: dict[str, Fault] = {
    "attachments": Fault(patch=serving_files()),
    "attachments in two phases": Fault(patch=_uploaded_here, middleware=_remembering_port),
    "attachments uploaded elsewhere": Fault(
        patch=serving_files(upload="https://files.example/upload")
    ),
    "images only": Fault(patch=serving_files(images_only=True)),
    "any attachment deleted silently": Fault(patch=serving_files(_deleting_is_silent)),
}
