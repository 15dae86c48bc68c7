"""Keep what people ask us to do with their data, and until when."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "privacy_requests",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String()),
        *(sa.Column(name, sa.DateTime(), nullable=False) for name in ("arrived_at", "due_at", "made_at")),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("extended_at", sa.DateTime()),
        sa.Column("extended_by", sa.String()),
        sa.Column("extended_why", sa.Text()),
        sa.Column("closed_as", sa.String()),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("closed_by", sa.String()),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(op.f("ix_privacy_requests_customer_id"), "privacy_requests", ["customer_id"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_privacy_requests_open",
        "privacy_requests",
        ["due_at"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
