"""Limits on what a run sends and receives."""

from dataclasses import dataclass


class LimitReachedError(Exception):
    """The run has used up its requests, its bytes or its time."""


class InconclusiveError(Exception):
    """An exchange shows neither that the server is right nor that it is wrong.

    The message is the reason: the server limits requests, or needs more time.
    """


@dataclass(slots=True)
class Limits:
    """Limits of one exchange and of a whole run.

    Attributes:
        read_timeout: Seconds to wait for the first byte or the next one; also for the end of a
            response that is not a stream.
        connect_timeout: Seconds to wait for a connection; by default, `read_timeout`.
        exchange_timeout: Seconds from sending a request to the end of its stream.
        response_bytes: Bytes to read of one response.
        stream_events: Events to read of one stream.
        requests: Requests that all users of a run may send together.
        total_bytes: Bytes that all users of a run may receive together.
    """

    read_timeout: float = 30.0
    connect_timeout: float | None = None
    exchange_timeout: float = 60.0
    response_bytes: int = 8_000_000
    stream_events: int = 10_000
    requests: int = 400
    total_bytes: int = 40_000_000
