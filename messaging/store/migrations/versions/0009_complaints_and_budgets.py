"""Keep who is complaining, what a day's messages were promised to cost, and what each costs."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the tables and the column; messages of before cost what nobody wrote down."""
    op.create_table(
        "complaint_flags",
        sa.Column("flag_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("address_hash", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_record_id", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("flag_id", name=op.f("pk_complaint_flags")),
        sa.UniqueConstraint(
            "source", "source_record_id", name=op.f("uq_complaint_flags_source_source_record_id")
        ),
    )
    op.create_index(op.f("ix_complaint_flags_customer_id"), "complaint_flags", ["customer_id"])
    op.create_index(op.f("ix_complaint_flags_address_hash"), "complaint_flags", ["address_hash"])
    op.create_table(
        "budget_days",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("promised", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", name=op.f("pk_budget_days")),
    )
    op.add_column("messages", sa.Column("cost", sa.BigInteger(), nullable=True))
