"""Keep every text of a template that was planned or saved, by its hash."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables: each text once, and when it stood under which name."""
    op.create_table(
        "template_texts",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_template_texts")),
    )
    op.create_table(
        "template_versions",
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("first_by", sa.String(), nullable=False),
        sa.Column("first_why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["template_texts.hash"], name=op.f("fk_template_versions_hash")),
        sa.PrimaryKeyConstraint("file", "hash", name=op.f("pk_template_versions")),
    )
    op.create_index(
        op.f("ix_template_versions_template_first_at"), "template_versions", ["template", "first_at"]
    )
