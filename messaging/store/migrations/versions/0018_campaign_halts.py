"""Keep which campaigns were paused by themselves, why, and who let them go on."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "campaign_halts",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("halted_at", sa.DateTime(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("resumed_at", sa.DateTime(), nullable=True),
        sa.Column("resumed_by", sa.String(), nullable=True),
        sa.Column("resumed_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["campaign_runs.run_id"], name=op.f("fk_campaign_halts_run_id")),
        sa.PrimaryKeyConstraint("run_id", "halted_at", name=op.f("pk_campaign_halts")),
    )
