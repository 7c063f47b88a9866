"""Limits on what a run sends and receives, and a record of its exchanges."""

from dataclasses import dataclass, field

from chatkit_scaffold.protocol.exchange import Exchange


class LimitReachedError(Exception):
    """The run has used up its requests or bytes."""


@dataclass(slots=True)
class Limits:
    """Limits of one exchange and of a whole run.

    Attributes:
        read_timeout: Seconds to wait for a connection, the first byte or the next one.
        exchange_timeout: Seconds from sending a request to the end of its response.
        response_bytes: Bytes to read of one response.
        stream_events: Events to read of one stream.
        requests: Requests that all users of a run may send together.
        total_bytes: Bytes that all users of a run may receive together.
    """

    read_timeout: float = 30.0
    exchange_timeout: float = 120.0
    response_bytes: int = 8_000_000
    stream_events: int = 20_000
    requests: int = 400
    total_bytes: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Observation:
    """What the first operation of its kind did to the user's other threads.

    Attributes:
        exchange: The operation.
        harm: What it changed in threads other than its own; empty if nothing.
    """

    exchange: Exchange
    harm: str


@dataclass(slots=True)
class Journal:
    """What all users of a run have in common.

    Attributes:
        exchanges: All exchanges, in order.
        read_only: Whether to send only what changes nothing on any server.
        texts: The texts of all messages of the run, as sent and as the server returned them.
        observed: By operation; see `Observation`.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    read_only: bool = False
    texts: set[str] = field(default_factory=set)
    observed: dict[str, Observation] = field(default_factory=dict)
