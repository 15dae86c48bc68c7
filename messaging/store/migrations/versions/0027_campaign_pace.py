"""Keep when the next message of a campaign may go that sends so many an hour; find who withdrew lately."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "campaign_pace",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("free_at", sa.DateTime(), nullable=False),
        sa.Column("holds_from", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["campaign_runs.run_id"], name=op.f("fk_campaign_pace_run_id_campaign_runs")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_campaign_pace")),
    )
    revoked = sa.text("action = 'revoke'")
    op.create_index(
        "ix_consent_events_revoked",
        "consent_events",
        ["recorded_at"],
        sqlite_where=revoked,
        postgresql_where=revoked,
    )
