"""Keep each approval of a run; one that was approved before was approved by one person."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the table, and take over who approved what."""
    op.create_table(
        "campaign_approvals",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["campaign_runs.run_id"], name=op.f("fk_campaign_approvals_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "person", name=op.f("pk_campaign_approvals")),
    )
    op.execute(
        "INSERT INTO campaign_approvals (run_id, person, approved_by, approved_at) "
        "SELECT run_id, lower(trim(approved_by)), approved_by, approved_at FROM campaign_runs "
        "WHERE approved_by IS NOT NULL AND approved_at IS NOT NULL"
    )
