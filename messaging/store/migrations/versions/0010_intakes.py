"""Keep which synthetic request last went all the way through an intake."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; nothing has been checked before."""
    op.add_column("intakes", sa.Column("passed_by", sa.String(), nullable=True))
