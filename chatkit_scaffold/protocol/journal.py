"""A record of a run's exchanges, and what the run makes of them."""

from dataclasses import dataclass, field

from chatkit_scaffold.protocol.exchange import Exchange
from chatkit_scaffold.protocol.pace import Pace
from chatkit_scaffold.protocol.patience import Patience


@dataclass(slots=True)
class Journal:
    """All exchanges of one run, of all its users, in order.

    Attributes:
        exchanges: The exchanges.
        pace: Waits for a server that limits requests; without it, a refusal is a response like
            any other.
        patience: Ends the run on a server that hangs; without it, every request waits as long
            as it may.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    pace: Pace | None = None
    patience: Patience | None = None
