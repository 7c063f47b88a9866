"""What the servers of the tests share."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from chatkit import server
from pydantic import TypeAdapter


class _Kept:
    """Stands for `TypeAdapter`: the same type always gets the same one."""

    def __class_getitem__(cls, _: object) -> Callable[[Any], TypeAdapter[Any]]:
        return _adapter


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@pytest.fixture(scope="session", autouse=True)
def kept_adapters() -> Iterator[None]:
    """Build the SDK's validator of requests once.

    The SDK builds it for each request, which takes longer than the rest of most responses.

    Source: ChatKitServer.process (openai-chatkit 1.6.5).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "TypeAdapter", _Kept)
        yield
