"""Keep uploaded coupon codes, each for one customer, and which run writes them."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "coupons",
        sa.Column("code_key", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(), nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String()),
        sa.Column("campaign", sa.String()),
        sa.Column("reserved_by", sa.String()),
        sa.Column("reserved_until", sa.DateTime()),
        sa.PrimaryKeyConstraint("code_key", name=op.f("pk_coupons")),
    )
    free = sa.text("customer_id IS NULL")
    op.create_index(
        op.f("ix_coupons_list_place"), "coupons", ["list", "place"], sqlite_where=free, postgresql_where=free
    )
    op.create_index(op.f("ix_coupons_list_customer_id"), "coupons", ["list", "customer_id"])
    op.create_index(op.f("ix_coupons_reserved_by"), "coupons", ["reserved_by"])
    op.create_table(
        "coupon_draws",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("code_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["campaign_runs.run_id"], name=op.f("fk_coupon_draws_run_id")),
        sa.ForeignKeyConstraint(["code_key"], ["coupons.code_key"], name=op.f("fk_coupon_draws_code_key")),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name=op.f("pk_coupon_draws")),
    )
    op.create_index(op.f("ix_coupon_draws_code_key"), "coupon_draws", ["code_key"])
