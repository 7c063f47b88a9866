"""Small JSON documents of the application."""

import sqlalchemy as sa
from alembic import op

revision = "7b15ee7667f2"
down_revision = "76b37afb0758"
branch_labels = None
depends_on = None
formerly = "records"


def upgrade() -> None:
    """Create `records`."""
    op.create_table(
        "records",
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float(53)),
        sa.PrimaryKeyConstraint("seq", name="pk_records"),
        sa.UniqueConstraint("kind", "owner", "key", name="uq_records_kind_owner_key"),
    )
    op.create_index("ix_records_expires_at", "records", ["expires_at"])


def downgrade() -> None:
    """Drop the table with its index."""
    op.drop_table("records")
