"""Note when to ask a provider for a message of which nothing is heard."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the moment and its index; what was accepted before is asked for at once, and once only where it is old."""
    op.add_column("messages", sa.Column("ask_at", sa.DateTime(), nullable=True))
    op.execute("UPDATE messages SET ask_at = accepted_at WHERE state = 'accepted'")
    accepted = sa.text("state = 'accepted'")
    op.create_index(
        op.f("ix_messages_provider_ask_at"),
        "messages",
        ["provider", "ask_at"],
        sqlite_where=accepted,
        postgresql_where=accepted,
    )
