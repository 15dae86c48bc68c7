"""Keep what campaigns in shadow mode would have done, day by day."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "shadow_days",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.Column("told", sa.String()),
        sa.Column("planned_at", sa.DateTime()),
        sa.Column("release_version", sa.String()),
        sa.Column("content_hash", sa.String()),
        sa.Column("matched", sa.Integer()),
        sa.Column("to_send", sa.Integer()),
        sa.Column("held_out", sa.Integer()),
        sa.Column("excluded", sa.JSON()),
        sa.Column("by_channel", sa.JSON()),
        sa.Column("by_variant", sa.JSON()),
        sa.Column("came", sa.Integer()),
        sa.Column("went", sa.Integer()),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("currency", sa.String()),
        sa.PrimaryKeyConstraint("campaign", "day", name=op.f("pk_shadow_days")),
    )
    op.create_table(
        "shadow_people",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "plan_id", "customer_id", name=op.f("pk_shadow_people")),
    )
