"""Times without an offset, and right ones in unusual forms."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.conformance.servers.correct import Fault, Parts

_TIME = re.compile(rb'"created_at":"([^"]+)"')
_WEST = timezone(-timedelta(hours=9, minutes=30))
_EAST = timezone(timedelta(hours=5, minutes=45))

Write = Callable[[datetime], object]


def writing(write: Write, only: str = "") -> Callable[[Parts], None]:
    """Return a patch that writes times in another way, in what the expression *only* matches."""

    def inside(parts: Parts) -> None:
        original = parts.server._serialize  # noqa: SLF001

        def rewritten(found: re.Match[bytes]) -> bytes:
            time = write(datetime.fromisoformat(found[1].decode()))
            return b'"created_at":' + json.dumps(time).encode()

        def serialize(model: Any) -> bytes:
            sent: bytes = original(model)
            return _TIME.sub(rewritten, sent) if re.search(only.encode(), sent) else sent

        parts.server._serialize = serialize  # noqa: SLF001

    return inside


def naive(time: datetime) -> str:
    """Return a time without its zone, as the SDK writes it."""
    return time.replace(tzinfo=None).isoformat()


def unix(time: datetime) -> int:
    """Return a time in Unix seconds."""
    return int(time.timestamp())


def _zulu(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _west(time: datetime) -> str:
    return time.astimezone(_WEST).isoformat()


def _basic(time: datetime) -> str:
    """Return a time in a zone of its own, with a space and an offset without a colon."""
    return time.astimezone(_EAST).strftime("%Y-%m-%d %H:%M:%S.%f%z")


FAULTS: dict[str, Fault] = {"threads-created-at-offset": Fault(patch=writing(naive))}
MORE_FAULTS: dict[str, tuple[str, Fault]] = {
    name: ("threads-created-at-offset", Fault(patch=writing(naive, only)))
    for name, only in {
        "no offset in a new thread": '"type":"thread.created"',
        "no offset in a message": '"type":"thread.item.done"',
        "no offset in a thread that is read": r'"items":{"data":\[{',
        "no offset in the list of threads": r'^{"data":\[{',
    }.items()
}
ODD: dict[str, Fault] = {
    "times in UTC, without fractions": Fault(patch=writing(_zulu)),
    "times in another zone": Fault(patch=writing(_west)),
    "times in another zone when read": Fault(patch=writing(_west, r'"data":\[{')),
    "times in another form": Fault(patch=writing(_basic)),
}
