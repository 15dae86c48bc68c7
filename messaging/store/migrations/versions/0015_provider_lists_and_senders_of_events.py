"""Remember up to when a provider's list was read, and keep the events of each program apart."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

KEY = "pk_sent_events"


def upgrade() -> None:
    """Create the table of lists; an event's sender is the name of the key that it came with."""
    op.create_table(
        "provider_lists",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("read_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_lists")),
    )
    op.add_column("sent_events", sa.Column("sender", sa.String(), nullable=True))
    op.execute(
        "UPDATE sent_events SET sender = COALESCE("
        "(SELECT name FROM api_keys WHERE api_keys.key_id = sent_events.key_id), sent_events.key_id)"
    )
    with op.batch_alter_table("sent_events") as events:
        events.alter_column("sender", existing_type=sa.String(), nullable=False)
        events.drop_constraint(op.f(KEY), type_="primary")
        events.create_primary_key(op.f(KEY), ["sender", "message_id"])
