"""Lists of customers that people upload, and the sizes of segments over time."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "customer_lists",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_customer_lists")),
    )
    op.create_table(
        "customer_list_members",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"], ["customer_lists.name"], name=op.f("fk_customer_list_members_name")
        ),
        sa.PrimaryKeyConstraint("name", "customer_id", name=op.f("pk_customer_list_members")),
    )
    op.create_index(op.f("ix_customer_list_members_customer_id"), "customer_list_members", ["customer_id"])
    op.create_table(
        "segment_sizes",
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("release_version", sa.String(), nullable=False),
        sa.Column("rule_hash", sa.String(), nullable=False),
        sa.Column("as_of", sa.DateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("segment", "release_version", "rule_hash", name=op.f("pk_segment_sizes")),
    )
