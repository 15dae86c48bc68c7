"""Keep standing approvals, and what became of each due moment of a schedule."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "standing_approvals",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["campaign_runs.run_id"], name=op.f("fk_standing_approvals_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "person", name=op.f("pk_standing_approvals")),
    )
    op.create_index(op.f("ix_standing_approvals_campaign"), "standing_approvals", ["campaign"])
    op.create_table(
        "scheduled_moments",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("run_id", sa.String()),
        sa.Column("lease_until", sa.DateTime()),
        sa.Column("told", sa.String()),
        sa.PrimaryKeyConstraint("campaign", "due_at", name=op.f("pk_scheduled_moments")),
    )
