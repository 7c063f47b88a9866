"""Threads and items to fill a store with."""

from collections.abc import Iterator
from datetime import datetime

from chatkit.types import (
    InferenceOptions,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
)

USER = "local"
"""The only user of a project without sign-in."""

_TIME = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - the SDK's times are naive


def threads(number: int) -> Iterator[ThreadMetadata]:
    """Yield threads without items, `thr_1` first."""
    for index in range(1, number + 1):
        yield ThreadMetadata(id=f"thr_{index}", created_at=_TIME, title="A conversation")


def long_thread(number: int) -> ThreadMetadata:
    """Return the thread for *number* items."""
    return ThreadMetadata(id=f"long_{number}", created_at=_TIME, title="A long conversation")


def items(number: int) -> Iterator[UserMessageItem]:
    """Yield the items of a long thread, `msg_1` first."""
    thread = long_thread(number)
    for index in range(1, number + 1):
        yield UserMessageItem(
            id=f"msg_{index}",
            thread_id=thread.id,
            created_at=_TIME,
            content=[UserMessageTextContent(text="What can I do about it? " * 4)],
            inference_options=InferenceOptions(),
        )
