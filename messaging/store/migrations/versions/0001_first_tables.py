"""Lay the first tables; a consent, once recorded, can be neither changed nor deleted."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFUSALS = {
    "sqlite": [
        f"""CREATE TRIGGER consent_events_no_{verb.lower()} BEFORE {verb} ON consent_events
        BEGIN SELECT RAISE(ABORT, 'consent_events is append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION consent_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'consent_events is append-only'; END $$""",
        """CREATE TRIGGER consent_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_events
        FOR EACH STATEMENT EXECUTE FUNCTION consent_events_refuse()""",
    ],
}


def upgrade() -> None:
    """Create every table, then the triggers that keep consent append-only."""
    op.create_table(
        "address_locks",
        sa.Column("lock_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("lock_key", name=op.f("pk_address_locks")),
    )
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
    )
    op.create_table(
        "builds",
        sa.Column("build_id", sa.String(), nullable=False),
        sa.Column("release_version", sa.String(), nullable=True),
        sa.Column("as_of", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("build_id", name=op.f("pk_builds")),
    )
    op.create_table(
        "campaign_runs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("release_version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(), nullable=False),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("launched_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_campaign_runs")),
    )
    op.create_table(
        "consent_events",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("address_hash", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("legal_basis", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_record_id", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_consent_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_consent_events_event_id")),
        sa.UniqueConstraint(
            "source",
            "source_record_id",
            "channel",
            "purpose",
            name=op.f("uq_consent_events_source_source_record_id_channel_purpose"),
        ),
    )
    op.create_index(
        op.f("ix_consent_events_address_hash_channel"),
        "consent_events",
        ["address_hash", "channel"],
        unique=False,
    )
    op.create_index(
        op.f("ix_consent_events_customer_id_channel"),
        "consent_events",
        ["customer_id", "channel"],
        unique=False,
    )
    op.create_table(
        "contract_status",
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("rows_checked", sa.Integer(), nullable=False),
        sa.Column("rows_quarantined", sa.Integer(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_contract_status")),
    )
    op.create_table(
        "inbound_messages",
        sa.Column("inbound_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_sid", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("from_address", sa.String(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("keyword", sa.String(), nullable=True),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("reply_to_message_id", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("inbound_id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint(
            "provider", "provider_sid", name=op.f("uq_inbound_messages_provider_provider_sid")
        ),
    )
    op.create_index(
        op.f("ix_inbound_messages_address_hash_received_at"),
        "inbound_messages",
        ["address_hash", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_inbound_messages_customer_id_received_at"),
        "inbound_messages",
        ["customer_id", "received_at"],
        unique=False,
    )
    op.create_table(
        "provider_events",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_sid", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint(
            "provider", "provider_sid", "status", name=op.f("uq_provider_events_provider_provider_sid_status")
        ),
    )
    op.create_index(op.f("ix_provider_events_message_id"), "provider_events", ["message_id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("address_hash", "channel", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "work_requests",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_work_requests")),
    )
    op.create_index(
        op.f("ix_work_requests_state_requested_at"), "work_requests", ["state", "requested_at"], unique=False
    )
    op.create_table(
        "messages",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("campaign", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("message_class", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("template_hash", sa.String(), nullable=True),
        sa.Column("variant", sa.String(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("send_after", sa.DateTime(), nullable=True),
        sa.Column("retry_at", sa.DateTime(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("provider_sid", sa.String(), nullable=True),
        sa.Column("provider_status", sa.String(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("segment_count", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("calling_at", sa.DateTime(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(), nullable=True),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["campaign_runs.run_id"], name=op.f("fk_messages_run_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "run_id",
            "step",
            "channel",
            "address_hash",
            name=op.f("uq_messages_run_id_step_channel_address_hash"),
        ),
        sa.UniqueConstraint(
            "run_id",
            "step",
            "customer_id",
            "channel",
            name=op.f("uq_messages_run_id_step_customer_id_channel"),
        ),
    )
    op.create_index(
        op.f("ix_messages_address_hash_created_at"), "messages", ["address_hash", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_messages_customer_id_created_at"), "messages", ["customer_id", "created_at"], unique=False
    )
    op.create_index(op.f("ix_messages_provider_sid"), "messages", ["provider_sid"], unique=False)
    op.create_index(op.f("ix_messages_state_send_after"), "messages", ["state", "send_after"], unique=False)
    op.create_table(
        "run_audience",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("variant", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["campaign_runs.run_id"], name=op.f("fk_run_audience_run_id")),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name=op.f("pk_run_audience")),
    )
    op.create_index(op.f("ix_run_audience_customer_id"), "run_audience", ["customer_id"], unique=False)
    op.create_index(
        op.f("ix_run_audience_run_id_decision"), "run_audience", ["run_id", "decision"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("provider_sid", sa.String(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.message_id"], name=op.f("fk_attempts_message_id")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("message_id", "number", name=op.f("uq_attempts_message_id_number")),
    )
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)
