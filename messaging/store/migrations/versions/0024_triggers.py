"""Keep what triggers campaigns, and runs whose people come one by one."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the columns and the table; what was posted before triggers nothing."""
    for column in (("opened_by", sa.String()), ("closed_at", sa.DateTime()), ("entered_until", sa.String())):
        op.add_column("campaign_runs", sa.Column(*column))
    op.create_index(op.f("ix_campaign_runs_opened_by"), "campaign_runs", ["opened_by"], unique=True)
    with op.batch_alter_table("run_audience") as audience:
        audience.add_column(sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
        audience.add_column(sa.Column("decided_at", sa.DateTime()))
        audience.drop_constraint(op.f("pk_run_audience"), type_="primary")
        audience.create_primary_key(op.f("pk_run_audience"), ["run_id", "customer_id", "step"])
    for column in (("name", sa.String()), ("customer_id", sa.String()), ("looked_at", sa.DateTime())):
        op.add_column("sent_events", sa.Column(*column))
    op.execute("UPDATE sent_events SET looked_at = received_at")
    unlooked = sa.text("looked_at IS NULL")
    op.create_index(
        "ix_sent_events_not_looked_at",
        "sent_events",
        ["received_at"],
        sqlite_where=unlooked,
        postgresql_where=unlooked,
    )
    op.create_index(op.f("ix_sent_events_customer_id_name"), "sent_events", ["customer_id", "name"])
    profiling = sa.text("purpose = 'profiling'")
    op.create_index(
        "ix_consent_events_profiling",
        "consent_events",
        ["recorded_at"],
        sqlite_where=profiling,
        postgresql_where=profiling,
    )
    op.create_table(
        "triggerings",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("told", sa.String()),
        sa.Column("decided_at", sa.DateTime()),
        sa.Column("release_version", sa.String()),
        sa.Column("message_id", sa.String()),
        sa.ForeignKeyConstraint(["run_id"], ["campaign_runs.run_id"], name=op.f("fk_triggerings_run_id")),
        sa.PrimaryKeyConstraint("campaign", "sender", "event_id", name=op.f("pk_triggerings")),
    )
    op.create_index(op.f("ix_triggerings_message_id"), "triggerings", ["message_id"])
    op.create_index(op.f("ix_triggerings_run_id_state_due_at"), "triggerings", ["run_id", "state", "due_at"])
