"""Keep colleagues' notes on customers, and what they promised to do until when."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "customer_notes",
        sa.Column("note_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_customer_notes")),
    )
    op.create_index(op.f("ix_customer_notes_customer_id"), "customer_notes", ["customer_id"])
    op.create_table(
        "follow_ups",
        sa.Column("follow_up_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("promise", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("settled_as", sa.String()),
        sa.Column("settled_at", sa.DateTime()),
        sa.Column("settled_by", sa.String()),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("follow_up_id", name=op.f("pk_follow_ups")),
    )
    op.create_index(op.f("ix_follow_ups_customer_id"), "follow_ups", ["customer_id"])
    still_open = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_follow_ups_open", "follow_ups", ["due_at"], sqlite_where=still_open, postgresql_where=still_open
    )
