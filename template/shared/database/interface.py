"""The interface of the database's driver."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Parameters = Mapping[str, Any]
Rows = Sequence[tuple[Any, ...]]


class Database(Protocol):
    """Runs one statement per call, whole or not at all.

    A call that has begun is completed or undone before a cancellation of its caller takes effect.
    """

    async def read(self, statement: str, parameters: Parameters) -> Rows:
        """Return the rows of a query.

        Raises:
            StoreUnavailableError: The database cannot be used; the text gives the reason.
        """
        ...

    async def write(self, statement: str, parameters: Parameters) -> Rows:
        """Change the database and return the rows of the statement's `RETURNING`.

        When it returns, the change survives a crash and a power cut.

        Raises:
            NotFoundError: The statement refers to a row that is being deleted.
            StoreUnavailableError: The database cannot be used; the text gives the reason.
        """
        ...

    async def ping(self) -> None:
        """Return if a change reaches the disk and the tables are those that this code needs.

        Raises:
            StoreUnavailableError: Either is not the case; the text gives the reason.
        """
        ...
