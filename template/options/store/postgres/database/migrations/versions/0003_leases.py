"""Leases of turns, counters of rate limits, and larger numbers of threads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `turn_leases` and `counters`, and widen `threads.seq`.

    A number of `threads.seq` is used each time a thread is saved.
    """
    op.create_table(
        "turn_leases",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", name="pk_turn_leases"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "counters",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_counters"),
        prefixes=["UNLOGGED"],
    )
    op.execute("ALTER SEQUENCE threads_seq_seq AS bigint")
    op.alter_column("threads", "seq", type_=sa.BigInteger)


def downgrade() -> None:
    """Drop the tables; threads keep their numbers if those are small enough."""
    op.alter_column("threads", "seq", type_=sa.Integer)
    op.execute("ALTER SEQUENCE threads_seq_seq AS integer")
    op.drop_table("counters")
    op.drop_table("turn_leases")
