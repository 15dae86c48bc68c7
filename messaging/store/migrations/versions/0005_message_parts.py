"""Keep with a message what goes along with its words: media, a template's variables, a voice."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; messages of before have nothing beside their words."""
    op.add_column("messages", sa.Column("parts", sa.JSON(), nullable=True))
