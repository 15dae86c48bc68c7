"""Keep with a message the same one by the person's next channels."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table; messages of before have no other way."""
    op.create_table(
        "message_alternatives",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("planned", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name=op.f("fk_message_alternatives_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "place", name=op.f("pk_message_alternatives")),
    )
