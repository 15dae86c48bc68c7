"""Keep who uses the app: accounts, links to set a password, sessions and attempts to sign in."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the tables; nobody has an account before the first link."""
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.String()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("disabled_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    for table, *times in (("user_links", "expires_at"), ("user_sessions", "started_at", "seen_at")):
        op.create_table(
            table,
            sa.Column("token_hash", sa.String(), nullable=False),
            sa.Column("user_id", sa.String(), nullable=False),
            *(sa.Column(name, sa.DateTime(), nullable=False) for name in times),
            sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f(f"fk_{table}_user_id")),
            sa.PrimaryKeyConstraint("token_hash", name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_user_id"), table, ["user_id"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("attempt", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("whom", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("attempt", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_whom_at"), "sign_in_attempts", ["whom", "at"])
    op.create_index(op.f("ix_sign_in_attempts_at"), "sign_in_attempts", ["at"])
