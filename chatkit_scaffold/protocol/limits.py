"""How much a run may ask of a server, and what it has asked so far."""

from dataclasses import dataclass, field

from chatkit_scaffold.protocol.exchange import Exchange


class BudgetSpentError(Exception):
    """More was sent or received than any run needs; no more will be."""


@dataclass(slots=True)
class Limits:
    """How much a server may take or give before an exchange is ended.

    Attributes:
        read_timeout: Seconds to wait for a connection, a first byte or a next one.
        exchange_timeout: Seconds from sending a request to the end of its answer.
        body: Bytes to read of one answer.
        events: Events to read of one stream.
        requests: Requests to send in all, by all users together.
        total: Bytes to read in all.
    """

    read_timeout: float = 30.0
    exchange_timeout: float = 120.0
    body: int = 8_000_000
    events: int = 20_000
    requests: int = 400
    total: int = 200_000_000


@dataclass(slots=True)
class Journal:
    """All exchanges of one run, in order, whoever sent them."""

    exchanges: list[Exchange] = field(default_factory=list)
