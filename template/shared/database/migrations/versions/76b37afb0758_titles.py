"""Titles in a column of `threads`."""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "76b37afb0758"
down_revision = "0001"
branch_labels = None
depends_on = None
formerly = "0002"

BATCH = 1000

threads = sa.table(
    "threads",
    sa.column("seq", sa.Integer),
    sa.column("payload", sa.Text),
    sa.column("title", sa.Text),
)


def upgrade() -> None:
    """Add the column, with the titles that the payloads have."""
    op.add_column("threads", sa.Column("title", sa.Text))
    titles = []
    for seq, payload, _ in stored_threads():
        title = json.loads(payload).get("title")
        if title is not None:
            titles.append({"key": seq, "new": title.replace("\0", "")})
    change(threads.c.title, titles)


def downgrade() -> None:
    """Drop the column, and put the titles back into the payloads."""
    payloads = [
        {"key": seq, "new": json.dumps(json.loads(payload) | {"title": title})}
        for seq, payload, title in stored_threads()
    ]
    change(threads.c.payload, payloads)
    op.drop_column("threads", "title")


def stored_threads() -> Iterator[sa.Row[int, str, str | None]]:
    """Read `seq`, `payload` and `title` of all threads."""
    query = sa.select(threads.c.seq, threads.c.payload, threads.c.title).order_by(threads.c.seq)
    last = 0
    while rows := op.get_bind().execute(query.where(threads.c.seq > last).limit(BATCH)).all():
        yield from rows
        last = rows[-1].seq


def change(column: sa.ColumnClause[str], values: list[dict[str, object]]) -> None:
    """Set a column of the threads whose `seq` is a `key` to `new`."""
    statement = sa.update(threads).where(threads.c.seq == sa.bindparam("key"))
    if values:
        op.get_bind().execute(statement.values({column: sa.bindparam("new")}), values)
