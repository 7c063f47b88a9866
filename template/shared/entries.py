"""What an export consists of: a header, one line for each entry, and a footer.

Every line is JSON. The same conversations make the same lines, whichever store they come from.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Protocol

from chatkit.types import FeedbackKind
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter
from pydantic_core import from_json

VERSION = 1
"""Raised when a backend that reads older files could not read new ones."""

Name = Annotated[str, Field(max_length=255, pattern=r"\A[^\x00]*\z")]
"""What every store accepts as an id."""

Place = Annotated[int, Field(ge=1, lt=2**31)]
"""What every store can number items with."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def line(self) -> bytes:
        """Return the line, with its end."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


class Header(_Line):
    """The first line; that of a later version may have more in it."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["header"]
    format: Literal["chatkit-backend"]
    version: int


class Thread(_Line):
    """A thread, which follows the same user's older threads.

    Attributes:
        value: The thread as JSON, without its title.
    """

    type: Literal["thread"]
    user: Name
    id: Name
    title: str | None = None
    value: dict[str, Any]


class Item(_Line):
    """An item, which follows its thread and the thread's older items.

    Attributes:
        place: The first item of a thread has 1, the next one 2.
        rated_at: When the user gave the feedback, if the store knows.
    """

    type: Literal["item"]
    user: Name
    thread: Name
    place: Place
    id: Name
    feedback: FeedbackKind | None = None
    rated_at: datetime | None = None
    value: dict[str, Any]


class Record(_Line):
    """A document, which follows its owner's older documents of the same kind.

    Attributes:
        expires_at: When it counts as missing, in Unix seconds.
    """

    type: Literal["record"]
    kind: Annotated[str, Field(max_length=20, pattern=r"\A[^\x00:]*\z")]
    owner: Name
    key: Name
    expires_at: FiniteFloat | None = None
    value: dict[str, Any]


Entry = Thread | Item | Record


class Footer(_Line):
    """The last line.

    Attributes:
        counts: How many there are of what.
        digest: The SHA-256 hash of all that every store keeps. Two stores with the same
            conversations have the same.
        checksum: The SHA-256 hash of all lines before this one.
    """

    type: Literal["footer"]
    counts: dict[str, int]
    digest: str
    checksum: str


class Section(Protocol):
    """A part of a store, such as its conversations."""

    kinds: tuple[type[Entry], ...]
    """What it keeps; constant."""

    def fit(self, entry: Entry) -> Entry:
        """Return an entry as this store can keep it."""
        ...

    def dump(self) -> AsyncIterator[Entry]:
        """Read all entries: by user, or by kind and owner, then as they were added.

        Users, kinds and owners come in the order of their Unicode characters.

        Raises:
            StartupError: The store cannot be read.
            StoreUnavailableError: The same.
        """
        ...

    async def is_empty(self) -> bool:
        """Return whether there are no entries."""
        ...

    async def find(self, entries: Sequence[Entry]) -> Collection[Entry]:
        """Return what is stored under the same names as these entries."""
        ...

    async def load(self, entries: Sequence[Entry]) -> None:
        """Add entries, all or none.

        Raises:
            StartupError: The store refuses them.
            StoreUnavailableError: The same.
        """
        ...


_LINE: TypeAdapter[Entry | Footer] = TypeAdapter(
    Annotated[Entry | Footer, Field(discriminator="type")]
)


def parse_line(line: bytes) -> Entry | Footer:
    """Read any line but the first.

    Raises:
        ValueError: It is not one that `line` has returned.
    """
    return _LINE.validate_json(line)


def parse_value(text: str) -> dict[str, Any]:
    """Read JSON that a store keeps.

    Raises:
        ValueError: It is not an object.
    """
    value = from_json(text)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def name_of(entry: Entry) -> tuple[str, ...]:
    """Return what no two entries have in common."""
    match entry:
        case Thread():
            return "thread", entry.id
        case Item():
            return "item", entry.thread, entry.id
        case Record():
            return "record", entry.kind, entry.owner, entry.key


class Tally:
    """Counts the lines of an export, and computes its hashes.

    Args:
        header: The first line.
    """

    def __init__(self, header: bytes) -> None:
        self.counts: Counter[str] = Counter(threads=0, items=0, feedback=0, records=0)
        self._digest = sha256()
        self._checksum = sha256(header)

    def add(self, entry: Entry, line: bytes) -> None:
        """Count an entry, which has this line."""
        self.counts[f"{entry.type}s"] += 1
        self._checksum.update(line)
        if isinstance(entry, Item):
            self.counts["feedback"] += entry.feedback is not None
            if entry.rated_at is not None:
                # Not every store keeps the time.
                line = entry.model_copy(update={"rated_at": None}).line()
        self._digest.update(line)

    @property
    def total(self) -> int:
        """How many lines were counted."""
        return self.counts["threads"] + self.counts["items"] + self.counts["records"]

    def footer(self) -> Footer:
        """Return the last line."""
        return Footer(
            type="footer",
            counts=dict(self.counts),
            digest=self._digest.hexdigest(),
            checksum=self._checksum.hexdigest(),
        )
