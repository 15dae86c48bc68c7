"""Let an audit entry commit to what stays and to what may be erased apart, so that an erasure proves the rest still."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

KEPT = ["sequence", "audit_id", "at", "actor", "action", "sealed", "commitment", "previous_hash", "hash"]
OLD, NEW = (", ".join(f"{row}.{column}" for column in KEPT) for row in ("OLD", "NEW"))
FORGETS = "OLD.salt IS NOT NULL AND NEW.salt IS NULL AND NEW.subject IS NULL AND NEW.detail IS NULL"
WORDS = "audit is append-only but for erasures"

REFUSALS = {
    "sqlite": [
        "DROP TRIGGER audit_no_update",
        f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
        WHEN NOT ({FORGETS} AND ({NEW}) IS ({OLD}))
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
    ],
    "postgresql": [
        "DROP TRIGGER audit_no_update ON audit",
        f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
        WHEN (NOT ({FORGETS} AND ({NEW}) IS NOT DISTINCT FROM ({OLD})))
        EXECUTE FUNCTION audit_refuse()""",
    ],
}


def upgrade() -> None:
    """Add the column of what an entry's erasable part commits to; entries of before have none."""
    op.add_column("audit", sa.Column("sealed", sa.String(), nullable=True))
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)
