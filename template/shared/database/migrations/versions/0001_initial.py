"""Threads, items and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    create_threads()
    create_items()
    create_feedback()


def downgrade() -> None:
    """Drop the tables, and all conversations with them."""
    op.drop_table("feedback")
    op.drop_table("items")
    op.drop_table("threads")


def create_threads() -> None:
    """Create `threads`, and the index that a page of a user's threads is read by."""
    op.create_table(
        "threads",
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_threads"),
        sa.UniqueConstraint("id", name="uq_threads_id"),
    )
    op.create_index("ix_threads_user_id_seq", "threads", ["user_id", "seq"])


def create_items() -> None:
    """Create `items`; its primary key is what a page of a thread's items is read by."""
    op.create_table(
        "items",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "seq", name="pk_items"),
        sa.UniqueConstraint("thread_id", "id", name="uq_items_thread_id_id"),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name="fk_items_threads", ondelete="CASCADE"
        ),
    )


def create_feedback() -> None:
    """Create `feedback`, one verdict for each item."""
    op.create_table(
        "feedback",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("item_id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "item_id", name="pk_feedback"),
        sa.ForeignKeyConstraint(
            ["thread_id", "item_id"],
            ["items.thread_id", "items.id"],
            name="fk_feedback_items",
            ondelete="CASCADE",
        ),
    )
