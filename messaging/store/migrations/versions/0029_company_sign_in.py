"""Let an account be tied to somebody at the company's identity provider."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add who at which provider."""
    op.add_column("users", sa.Column("oidc_issuer", sa.String()))
    op.add_column("users", sa.Column("oidc_subject", sa.String()))
    op.create_index("ix_users_identity", "users", ["oidc_issuer", "oidc_subject"], unique=True)
