"""Follows pages to their end, whatever a server makes of them."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from chatkit_scaffold.conformance.expectations import fail, require
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Pages:
    """What following pages brought.

    Attributes:
        rows: Threads or items, in order.
        last: The answer with the last page.
    """

    rows: list[dict[str, Any]]
    last: Exchange

    @property
    def ids(self) -> list[str]:
        """The rows' ids, in order."""
        return ids(self.rows)


async def collect(
    user: Chatkit,
    operation: str,
    params: dict[str, Any],
    *,
    limit: int,
    until: AbstractSet[str] | None = None,
) -> Pages:
    """Ask for page after page.

    Args:
        user: Who asks.
        operation: `threads.list` or `items.list`.
        params: Everything but `limit` and `after`.
        limit: Rows to ask for; the server may return fewer.
        until: Ids that suffice; without it every page is read.

    Raises:
        CheckFailedError: A page is no page, repeats a row, is larger than asked for, or says
            that there is more without saying where.
    """
    found: list[dict[str, Any]] = []
    after: str | None = None
    answer = None
    for _ in range(_MOST_PAGES):
        cursor = {} if after is None else {"after": after}
        answer = await user.call(operation, **params, limit=limit, **cursor)
        _take(answer, found, limit)
        if until is not None and until <= set(ids(found)):
            break
        after = _cursor(answer)
        if after is None:
            break
    assert answer is not None  # noqa: S101 - there is at least one page
    return Pages(found, answer)


def _take(answer: Exchange, found: list[dict[str, Any]], limit: int) -> None:
    """Add a page's rows to *found*."""
    page = rows(answer.json, "data")
    require(answer.ok and isinstance(dig(answer.json, "data"), list), answer, "200 and a page")
    require(len(page) <= limit, answer, f"at most {limit} rows", f"{len(page)} rows")
    known = set(ids(found))
    repeated = [row for row in ids(page) if row in known]
    require(not repeated, answer, "rows that were not on an earlier page", f"again {repeated[:3]}")
    found += page


def _cursor(answer: Exchange) -> str | None:
    """Return where the next page begins, None at the end."""
    if dig(answer.json, "has_more") is not True:
        return None
    after = text_at(answer.json, "after")
    if after is None:
        fail(answer, "`after` with the cursor of the next page, since has_more is true")
    require(rows(answer.json, "data"), answer, "rows, or has_more false")
    return after
