"""The interfaces of the store, the agent and the authentication."""

import secrets
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

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
from limits.aio.storage import MemoryStorage
from limits.aio.storage import Storage as Counters

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
class User:
    """Who sent a request.

    Attributes:
        id: Identifies the user; every store query is limited to it.
        claims: What else the sign-in says about the user, such as an e-mail address.
        token: The bearer token of the request, for calls on the user's behalf; a secret.
    """

    id: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The user and the identity of one request.

    Attributes:
        user: The authenticated user.
        request_id: Identifies the request in the log and in the `X-Request-ID` header.
        locale: The first language of `Accept-Language`, such as `de-CH`, if any was sent.
    """

    user: User
    request_id: str
    locale: str | None = None

    @property
    def user_id(self) -> str:
        """The user's id."""
        return self.user.id


class StoreUnavailableError(Exception):
    """The store does not answer; the text is safe to show to a client."""


class ChatStore(Store[RequestContext]):
    """The SDK's store, with long ids, titles, feedback and a health check.

    Every method is limited to `context.user_id`: another user's data raises `NotFoundError`,
    exactly like data that does not exist. `save_thread` gives a title to a stored thread that has
    none, and never replaces one: the copy of the thread that a turn saves may be out of date.
    """

    shared: ClassVar[bool] = True
    """Whether other processes find what this one has stored."""

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

    def turn_lock(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that keeps other processes from answering in the thread.

        The turns of one process already wait for one another. By default there is only one.
        """
        return nullcontext()

    @abstractmethod
    async def rename_thread(
        self, thread_id: str, title: str, context: RequestContext
    ) -> ThreadMetadata:
        """Set the thread's title, whatever it was, and return the thread.

        Raises:
            NotFoundError: The thread does not exist.
        """

    @abstractmethod
    async def propose_title(self, thread_id: str, title: str, context: RequestContext) -> str:
        """Set the title of a thread that has none, and return the title that it has now.

        Raises:
            NotFoundError: The thread does not exist.
        """

    @abstractmethod
    async def save_feedback(
        self,
        thread_id: str,
        item_ids: Sequence[str],
        kind: FeedbackKind,
        context: RequestContext,
    ) -> None:
        """Save the user's feedback on each item, replacing earlier feedback.

        Raises:
            NotFoundError: The thread or one of the items does not exist; nothing is saved.
        """

    @abstractmethod
    async def load_feedback(
        self, thread_id: str, context: RequestContext
    ) -> dict[str, FeedbackKind]:
        """Return the feedback in a thread by item id.

        Raises:
            NotFoundError: The thread does not exist.
        """

    def counters(self) -> Counters:
        """Return where messages are counted for `RATE_LIMIT`: by default, in this process."""
        return MemoryStorage()

    @abstractmethod
    async def ping(self) -> str | None:
        """Return when the store can be used, with a warning if it may lose what it keeps.

        Raises:
            StoreUnavailableError: It cannot be used; the text gives the reason.
        """


@dataclass(frozen=True, slots=True)
class Turn:
    """A message to answer, with its context.

    Attributes:
        thread: The thread of the message.
        message: What the user wrote, or None after a client tool's output.
        history: The thread's newest items, oldest first, `message` included.
        store: For agents that read or write more than the history.
        context: The request of the message.
    """

    thread: ThreadMetadata
    message: UserMessageItem | None
    history: Sequence[ThreadItem]
    store: ChatStore
    context: RequestContext


class ChatAgent(Protocol):
    """Answers the messages of all threads; one instance per process."""

    def respond(self, turn: Turn) -> AsyncGenerator[ThreadStreamEvent]:
        """Stream the answer's events; closing the iterator ends all work on the answer."""
        ...

    async def title(self, text: str) -> str:
        """Return a title for a thread that begins with *text*."""
        ...


class Authenticator(Protocol):
    """Finds the user of a request."""

    async def __call__(self, request: Request) -> User:
        """Return the user.

        Raises:
            ApiError: 401, the request has no valid credentials; 403, its sender is not allowed.
        """
        ...


def new_id(item_type: StoreItemType) -> str:
    """Return an id that cannot be guessed and does not collide."""
    return f"{_ID_PREFIXES[item_type]}_{secrets.token_hex(16)}"
