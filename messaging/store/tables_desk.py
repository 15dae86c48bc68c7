"""What colleagues write down of one customer: notes, what was promised until when, and what is asked of their data.

Times are naive UTC by `messaging.clock.Clock`. A row stays with the id under which it was written; who reads asks for all
ids that a person has had.
"""

from sqlalchemy import Column, DateTime, Index, String, Table, Text, text

from messaging.store.tables import metadata

customer_notes = Table(
    "customer_notes",
    metadata,
    Column("note_id", String, primary_key=True),
    Column("customer_id", String, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("written_at", DateTime, nullable=False),
    Column("written_by", String, nullable=False),
)

follow_ups = Table(  # open until somebody says that it was kept or is needed no more
    "follow_ups",
    metadata,
    Column("follow_up_id", String, primary_key=True),
    Column("customer_id", String, nullable=False, index=True),
    Column("promise", Text, nullable=False),
    Column("due_at", DateTime, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("made_by", String, nullable=False),
    Column("settled_as", String),  # kept | dropped
    Column("settled_at", DateTime),
    Column("settled_by", String),
    Column("outcome", Text),
    Index(  # by which those that are due are found
        "ix_follow_ups_open",
        "due_at",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)

privacy_requests = Table(  # what people ask us to do with their data; open until it is done or refused
    "privacy_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # access | portability | rectification | erasure | ...
    Column("who", Text, nullable=False),  # as they told us who they are
    Column("way", String, nullable=False),  # e-mail | letter | phone | ...
    Column("customer_id", String, index=True),  # none of somebody whom we may not know
    Column("arrived_at", DateTime, nullable=False),
    Column("due_at", DateTime, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("made_by", String, nullable=False),
    Column("extended_at", DateTime),
    Column("extended_by", String),
    Column("extended_why", Text),
    Column("closed_as", String),  # done | refused
    Column("closed_at", DateTime),
    Column("closed_by", String),
    Column("answer", Text),  # what they were told
    Index(  # by which those that are due are found
        "ix_privacy_requests_open",
        "due_at",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
