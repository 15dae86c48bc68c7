"""Answer a STOP once, and keep opt-ins on the review list whose sender nobody proved."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table of answers and add the columns of doubts; what is on the list asked to stop."""
    op.create_table(
        "keyword_answers",
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("keyword", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
        sa.Column("opted_in", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "channel", "keyword", name=op.f("pk_keyword_answers")),
    )
    op.add_column(
        "opt_out_reviews", sa.Column("asks", sa.String(), nullable=False, server_default=sa.text("'stop'"))
    )
    op.add_column("opt_out_reviews", sa.Column("doubt", sa.String(), nullable=True))
    op.add_column("opt_out_reviews", sa.Column("owners", sa.JSON(), nullable=True))
