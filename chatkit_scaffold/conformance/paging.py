"""Follows the pages of a list, and fails if a page is not valid."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from chatkit_scaffold.conformance.expectations import fail, require
from chatkit_scaffold.conformance.fixtures import NO_LIMIT
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, dig, ids, rows, text_at

_MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a list.

    Attributes:
        rows: Threads or items, in order.
        responses: The responses, one per page, in order.
    """

    rows: list[dict[str, Any]]
    responses: list[Exchange]

    @property
    def last(self) -> Exchange:
        """The response with the last page."""
        return self.responses[-1]

    @property
    def complete(self) -> bool:
        """Whether the last page that was read is the last one of the list."""
        return dig(self.last.json, "has_more") is not True

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
    """Request page after page.

    Args:
        user: The user who sends the requests.
        operation: `threads.list` or `items.list`.
        params: All parameters but `limit` and `after`.
        limit: Rows to request per page; the server may return fewer.
        until: Stop once all of these ids were found; by default, read every page.

    Raises:
        CheckFailedError: A response is not a page, repeats a row, is longer than `limit`, or
            has `has_more` without a cursor.
    """
    found: list[dict[str, Any]] = []
    after: str | None = None
    responses: list[Exchange] = []
    for _ in range(_MOST_PAGES):
        cursor = {} if after is None else {"after": after}
        response = await user.call(operation, **params, limit=limit, **cursor)
        responses.append(response)
        _add_page(response, found, limit)
        if until is not None and until <= set(ids(found)):
            break
        if (following := _cursor(response)) is None:
            break
        # A page without rows may have had hidden items only, which the SDK leaves out.
        is_new = rows(response.json, "data") or following != after
        require(is_new, response, "rows, or `has_more` false")
        after = following
    return Pages(found, responses)


async def find_threads(user: Chatkit, wanted: AbstractSet[str], **order: str) -> Pages:
    """List threads as the client does; read further pages if the server reduces the limit."""
    return await collect(user, "threads.list", dict(order), limit=NO_LIMIT, until=wanted)


def _add_page(response: Exchange, found: list[dict[str, Any]], limit: int) -> None:
    """Add a page's rows to *found*."""
    page = rows(response.json, "data")
    is_page = response.ok and isinstance(dig(response.json, "data"), list)
    require(is_page, response, "200 and a page")
    require(len(page) <= limit, response, f"at most {limit} rows", f"{len(page)} rows")
    known = set(ids(found))
    repeated = [row for row in ids(page) if row in known]
    expected = "rows that were not on an earlier page"
    require(not repeated, response, expected, f"repeated: {repeated[:3]}")
    found += page


def _cursor(response: Exchange) -> str | None:
    """Return the cursor of the next page, None on the last page."""
    if dig(response.json, "has_more") is not True:
        return None
    after = text_at(response.json, "after")
    if after is None:
        fail(response, "the next page's cursor in `after`, since `has_more` is true")
    return after
