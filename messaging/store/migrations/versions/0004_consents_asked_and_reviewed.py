"""Keep opt-outs that a person looks over, consents that wait for their answer, and when a consent runs out."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the two tables, and give consent events their expiry and the hash of their wording."""
    op.add_column("consent_events", sa.Column("wording_hash", sa.String(), nullable=True))
    op.add_column("consent_events", sa.Column("expires_at", sa.DateTime(), nullable=True))
    op.create_table(
        "opt_out_reviews",
        sa.Column("review_id", sa.String(), nullable=False),
        sa.Column("inbound_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_record_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rules_of", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("silenced", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_opt_out_reviews")),
        sa.UniqueConstraint("inbound_id", name=op.f("uq_opt_out_reviews_inbound_id")),
    )
    op.create_index(op.f("ix_opt_out_reviews_state_created_at"), "opt_out_reviews", ["state", "created_at"])
    op.create_table(
        "consent_requests",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("consent_expires_at", sa.DateTime(), nullable=True),
        sa.Column("granted_at", sa.DateTime(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_consent_requests")),
    )
    op.create_index(
        op.f("ix_consent_requests_address_hash_channel_asked_at"),
        "consent_requests",
        ["address_hash", "channel", "asked_at"],
    )
    op.create_index(
        op.f("ix_consent_requests_customer_id_channel"), "consent_requests", ["customer_id", "channel"]
    )
