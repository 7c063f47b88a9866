"""Leases of turns, and counters of rate limits."""

import sqlalchemy as sa
from alembic import op

revision = "93062bd08680"
down_revision = "76b37afb0758"
branch_labels = None
depends_on = None
formerly = "0003"


def upgrade() -> None:
    """Create `turn_leases` and `counters`, whose rows only live for seconds or minutes."""
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


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("counters")
    op.drop_table("turn_leases")
