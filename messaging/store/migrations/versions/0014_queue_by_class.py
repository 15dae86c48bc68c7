"""Claim receipts and answers before marketing, without reading the queue from its beginning."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the index by which messages are claimed: of what is queued alone, as nothing else is claimed."""
    queued = sa.text("state = 'queued'")
    op.create_index(
        op.f("ix_messages_message_class_message_id"),
        "messages",
        ["message_class", "message_id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
