"""The tables of the database; `migrations/` creates and changes them."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

ID_LENGTH = 255
"""Maximum length of a user's, thread's or item's id, in characters."""

# Constraints need names that a later migration can refer to.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)

# `seq` orders by insertion: `created_at` is a local time that can repeat or run backwards.
threads = Table(
    "threads",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    Column("user_id", String(ID_LENGTH), nullable=False),
    Column("payload", Text, nullable=False),
    # Beside the payload, so that a turn that saves its copy of the thread cannot undo a rename.
    Column("title", Text),
    Index("ix_threads_user_id_seq", "user_id", "seq"),
)

# An item's id is only unique in its thread: some models give every message the same id.
items = Table(
    "items",
    metadata,
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(ID_LENGTH), nullable=False),
    Column("payload", Text, nullable=False),
    UniqueConstraint("thread_id", "id"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("thread_id", String(ID_LENGTH), primary_key=True),
    Column("item_id", String(ID_LENGTH), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["thread_id", "item_id"], ["items.thread_id", "items.id"], ondelete="CASCADE"
    ),
)
