"""Keep each approval of a run; one that was approved before was approved by one person."""  # noqa: INP001 - a script

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the table, and take over who approved what."""
    approvals = op.create_table(
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
    # In Python: SQLite's lower() leaves every letter beyond A to Z as it is, and a person is one by any spelling.
    runs = op.get_bind().execute(
        sa.text(
            "SELECT run_id, approved_by, approved_at FROM campaign_runs "
            "WHERE approved_by IS NOT NULL AND approved_at IS NOT NULL"
        ).columns(run_id=sa.String(), approved_by=sa.String(), approved_at=sa.DateTime())
    )
    op.bulk_insert(
        approvals,
        [dict(row) | {"person": _same(row["approved_by"])} for row in runs.mappings()],
    )


def _same(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
