"""A record of a run's exchanges, and what the run makes of them."""

from dataclasses import dataclass, field

from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.pace import Pace
from chatkit_scaffold.protocol.patience import Patience


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
    """All exchanges of one run, of all its users, in order.

    Attributes:
        exchanges: The exchanges.
        pace: Waits for a server that limits requests; without it, a refusal is a response like
            any other.
        patience: Ends the run on a server that hangs; without it, every request waits as long
            as it may.
        careful: Whether to refuse what might harm threads of before the run; see `Guard`. Without
            it, a client sends every request.
        read_only: Whether to send only what changes nothing on any server.
        texts: The texts of all messages of the run, as sent and as the server returned them.
        observed: By operation; see `Observation`.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    pace: Pace | None = None
    patience: Patience | None = None
    careful: bool = False
    read_only: bool = False
    texts: set[str] = field(default_factory=set)
    observed: dict[str, Observation] = field(default_factory=dict)
