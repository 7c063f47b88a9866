"""What the parts of the backend have in common: the interfaces of the store, the agent and auth."""

import secrets
from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chatkit.store import NotFoundError, Store, StoreItemType
from chatkit.types import (
    Attachment,
    FeedbackKind,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import Request

_ID_PREFIXES: dict[StoreItemType, str] = {
    "thread": "thr",
    "message": "msg",
    "tool_call": "tc",
    "task": "tsk",
    "workflow": "wf",
    "attachment": "atc",
    "sdk_hidden_context": "shcx",
}


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The user and the identity of one request.

    Attributes:
        user_id: The authenticated user; every store query is limited to it.
        request_id: Identifies the request in the log and in the `X-Request-ID` header.
        locale: The first language of `Accept-Language`, such as `de-CH`, if any was sent.
    """

    user_id: str
    request_id: str
    locale: str | None = None


class StoreUnavailableError(Exception):
    """The store does not answer; the text is safe to show to a client."""


class ChatStore(Store[RequestContext]):
    """The SDK's store, with long ids, feedback and a probe.

    Every method is limited to `context.user_id`: what belongs to somebody else does not
    exist, and both raise `NotFoundError`.
    """

    def generate_thread_id(self, context: RequestContext) -> str:
        """Return `thr_` and 128 random bits; the SDK's own ids have 32 and would collide."""
        return new_id("thread")

    def generate_item_id(
        self, item_type: StoreItemType, thread: ThreadMetadata, context: RequestContext
    ) -> str:
        """Return the type's prefix and 128 random bits."""
        return new_id(item_type)

    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        """Raise `NotFoundError`: there are no attachments without an attachment store."""
        raise NotFoundError(attachment_id)

    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        """Raise `NotFoundError`: there are no attachments without an attachment store."""
        raise NotFoundError(attachment.id)

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        """Raise `NotFoundError`: there are no attachments without an attachment store."""
        raise NotFoundError(attachment_id)

    @abstractmethod
    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Keep the user's verdict on each item; a later one replaces an earlier one.

        Raises:
            NotFoundError: The thread or one of the items does not exist; nothing is kept.
        """

    @abstractmethod
    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the verdicts in a thread by item id.

        Raises:
            NotFoundError: The thread does not exist.
        """

    @abstractmethod
    async def ping(self) -> None:
        """Return when the store can be used.

        Raises:
            StoreUnavailableError: It cannot; the text says why.
        """


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer to give.

    Attributes:
        thread: The thread that is answered in.
        message: What the user wrote, or None after a client tool's output.
        history: The thread's newest items, oldest first, `message` included.
        store: For agents that read or write more of the thread.
        context: The request that is answered.
    """

    thread: ThreadMetadata
    message: UserMessageItem | None
    history: Sequence[ThreadItem]
    store: ChatStore
    context: RequestContext


class ChatAgent(Protocol):
    """Answers the turns of all threads; built once per process."""

    def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the answer's events; closing the iterator ends the work behind it."""
        ...

    async def title(self, text: str) -> str:
        """Name a thread that begins with *text*."""
        ...


class Authenticator(Protocol):
    """Tells who sent a request."""

    async def __call__(self, request: Request) -> str:
        """Return the user id.

        Raises:
            ApiError: The request does not prove who sent it (401) or may not be sent (403).
        """
        ...


def new_id(item_type: StoreItemType) -> str:
    """Return an id that nobody can guess and that does not collide."""
    return f"{_ID_PREFIXES[item_type]}_{secrets.token_hex(16)}"
