"""Keep requests as they came, files of messages, what becomes of mails, keys and events, and how each intake is."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables of the receiver."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "intakes",
        sa.Column("intake", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("passed_at", sa.DateTime(), nullable=True),
        sa.Column("failing_since", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("intake", name=op.f("pk_intakes")),
    )
    op.create_table(
        "raw_requests",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("intake", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_raw_requests")),
    )
    op.create_index(op.f("ix_raw_requests_received_at"), "raw_requests", ["received_at"], unique=False)
    op.create_table(
        "sent_events",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_sent_events")),
    )
    op.create_index(op.f("ix_sent_events_received_at"), "sent_events", ["received_at"], unique=False)
    op.create_table(
        "tracking_events",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_tracking_events")),
    )
    op.create_index(
        op.f("ix_tracking_events_message_id_kind"), "tracking_events", ["message_id", "kind"], unique=False
    )
    op.create_index(op.f("ix_tracking_events_received_at"), "tracking_events", ["received_at"], unique=False)
    op.create_table(
        "inbound_media",
        sa.Column("media_id", sa.String(), nullable=False),
        sa.Column("inbound_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbound_id"], ["inbound_messages.inbound_id"], name=op.f("fk_inbound_media_inbound_id")
        ),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_inbound_media")),
    )
    op.create_index(op.f("ix_inbound_media_inbound_id"), "inbound_media", ["inbound_id"], unique=False)
    op.create_index(
        op.f("ix_inbound_media_state_next_try_at"), "inbound_media", ["state", "next_try_at"], unique=False
    )
