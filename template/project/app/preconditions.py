"""Rejects requests that the SDK would answer with a 500, a broken stream or an empty thread."""

from chatkit.server import ChatKitServer
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    ChatKitReq,
    ClientToolCallItem,
    InputTranscribeReq,
    ItemsFeedbackReq,
    StructuredInputItem,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)

from app.base import ChatStore, RequestContext
from app.errors import ApiError
from app.server import ChatServer

MAX_ITEMS = 100
"""Bounds the parts and attachments of a message, and the items of any other request."""


def check_size(request: ChatKitReq, max_chars: int) -> None:
    """Return if the request is of a sensible size.

    Args:
        request: A parsed request.
        max_chars: The longest text that a user may send.

    Raises:
        ApiError: 400, the text is too long, or there are more than `MAX_ITEMS` items.
    """
    chars = items = 0
    match request:
        case ThreadsCreateReq() | ThreadsAddUserMessageReq():
            message = request.params.input
            items = len(message.content) + len(message.attachments)
            chars = len(message.quoted_text or "") + sum(len(part.text) for part in message.content)
        case ThreadsAddStructuredInputReq():
            answers = request.params.input.answers.values()
            items = sum(1 + len(answer.values) for answer in answers)
            chars = sum(len(value) for answer in answers for value in answer.values)
        case ThreadsUpdateReq():
            chars = len(request.params.title)
        case ItemsFeedbackReq():
            items = len(request.params.item_ids)
        case _:
            pass
    if chars > max_chars:
        raise ApiError(400, "too_long", f"A text may have at most {max_chars} characters.")
    if items > MAX_ITEMS:
        raise ApiError(400, "too_many_items", f"A request may have at most {MAX_ITEMS} items.")


async def check_request(request: ChatKitReq, server: ChatServer, context: RequestContext) -> None:
    """Return if the SDK can process *request*.

    Raises:
        ApiError: 400, this server does not support the request, or it is invalid; 409, the
            state of the thread does not allow it.
        NotFoundError: The thread, item or attachment does not exist for this user.
    """
    _check_offered(request, server)
    store = server.store
    match request:
        case ThreadsCreateReq():
            await _check_message(request.params.input, store, context)
        case ThreadsAddUserMessageReq():
            await _check_open(request.params.thread_id, store, context)
            await _check_message(request.params.input, store, context)
        case ThreadsRetryAfterItemReq():
            thread = await _check_open(request.params.thread_id, store, context)
            item = await store.load_item(thread.id, request.params.item_id, context)
            if not isinstance(item, UserMessageItem):
                raise ApiError(400, "not_a_user_message", "Only a user message can be retried.")
        case ThreadsAddClientToolOutputReq():
            thread = await _check_open(request.params.thread_id, store, context)
            await _check_pending_tool_call(thread, store, context)
        case ThreadsAddStructuredInputReq():
            thread = await _check_open(request.params.thread_id, store, context)
            item = await store.load_item(thread.id, request.params.item_id, context)
            if not isinstance(item, StructuredInputItem) or item.status != "pending":
                raise ApiError(409, "no_pending_input", "This item does not wait for an answer.")
        case ThreadsCustomActionReq() | ThreadsSyncCustomActionReq():
            thread = await _check_open(request.params.thread_id, store, context)
            item_id = request.params.item_id
            sender = await store.load_item(thread.id, item_id, context) if item_id else None
            if not isinstance(sender, WidgetItem):
                raise ApiError(400, "not_a_widget", "Only a widget can send an action.")
        case _:
            pass


def _check_offered(request: ChatKitReq, server: ChatServer) -> None:
    """Reject operations that neither this server nor its agent carries out."""
    match request:
        case AttachmentsCreateReq() | AttachmentsDeleteReq():
            offered = server.attachment_store is not None
        case InputTranscribeReq():
            offered = type(server).transcribe is not ChatKitServer.transcribe
        case ThreadsCustomActionReq() | ThreadsSyncCustomActionReq():
            offered = server.offers_actions
        case _:
            offered = True
    if not offered:
        raise ApiError(400, "not_supported", f"This server does not offer {request.type}.")


async def _check_open(thread_id: str, store: ChatStore, context: RequestContext) -> ThreadMetadata:
    """Return the thread; reject a locked or closed one."""
    thread = await store.load_thread(thread_id, context)
    if thread.status.type != "active":
        code = f"thread_{thread.status.type}"
        raise ApiError(409, code, thread.status.reason or f"This thread is {thread.status.type}.")
    return thread


async def _check_message(
    message: UserMessageInput, store: ChatStore, context: RequestContext
) -> None:
    if not message.content and not message.attachments:
        raise ApiError(400, "empty_message", "The message is empty.")
    for attachment_id in message.attachments:
        await store.load_attachment(attachment_id, context)


async def _check_pending_tool_call(
    thread: ThreadMetadata, store: ChatStore, context: RequestContext
) -> None:
    page = await store.load_thread_items(thread.id, None, 1, "desc", context)
    last = page.data[0] if page.data else None
    if not isinstance(last, ClientToolCallItem) or last.status != "pending":
        raise ApiError(409, "no_pending_tool_call", "No client tool call waits for an output.")
