"""Keep what people are told of the installation, who was told when, and what is not to be told for a while."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the four tables, and let inbound messages be found by when they came."""
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("open_key", sa.String(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("worst", sa.Integer(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("told_at", sa.DateTime(), nullable=True),
        sa.Column("told_to", sa.String(), nullable=True),
        sa.Column("told_amount", sa.Integer(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
        sa.UniqueConstraint("open_key", name=op.f("uq_notices_open_key")),
    )
    op.create_index(op.f("ix_notices_began_at"), "notices", ["began_at"])
    op.create_table(
        "notice_tellings",
        sa.Column("telling_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ways", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("telling_id", name=op.f("pk_notice_tellings")),
    )
    op.create_index(op.f("ix_notice_tellings_owner_began_at"), "notice_tellings", ["owner", "began_at"])
    op.create_table(
        "notice_snoozes",
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("snoozed_at", sa.DateTime(), nullable=False),
        sa.Column("snoozed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", "subject", name=op.f("pk_notice_snoozes")),
    )
    op.create_table(
        "notice_watch",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.Column("looked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notice_watch")),
    )
    op.create_index(op.f("ix_inbound_messages_received_at"), "inbound_messages", ["received_at"])
