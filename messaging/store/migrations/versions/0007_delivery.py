"""Keep what was found out about unclear messages, who decided them, and how fast each sender goes."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "provider_looks",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("looked_at", sa.DateTime(), nullable=False),
        sa.Column("on_record", sa.Integer(), nullable=True),
        sa.Column("same_text", sa.Integer(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name=op.f("fk_provider_looks_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_provider_looks")),
    )
    op.create_table(
        "message_decisions",
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name=op.f("fk_message_decisions_message_id")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_message_decisions")),
    )
    op.create_index(op.f("ix_message_decisions_message_id"), "message_decisions", ["message_id"])
    op.create_table(
        "sender_pace",
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("free_at", sa.DateTime(), nullable=True),
        sa.Column("rest_until", sa.DateTime(), nullable=True),
        sa.Column("slowed", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.DateTime(), nullable=True),
        sa.Column("open_seconds", sa.Float(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_sender_pace")),
    )
