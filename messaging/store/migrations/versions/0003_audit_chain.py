"""Chain the audit, with what it holds already; keep what processes have to agree upon."""  # noqa: INP001 - a script

import secrets

import sqlalchemy as sa
from alembic import op

from messaging.store.chain import GENESIS, commit, link

revision = "0003"
down_revision = "0002"

PAYLOAD = ("audit_id", "at", "actor", "action", "subject", "detail")
KEPT = ["sequence", "audit_id", "at", "actor", "action", "commitment", "previous_hash", "hash"]
OLD, NEW = (", ".join(f"{row}.{column}" for column in KEPT) for row in ("OLD", "NEW"))
FORGETS = "OLD.salt IS NOT NULL AND NEW.salt IS NULL AND NEW.subject IS NULL AND NEW.detail IS NULL"
WORDS = "audit is append-only but for erasures"

REFUSALS = {
    "sqlite": [
        f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
        f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
        WHEN NOT ({FORGETS} AND ({NEW}) IS ({OLD}))
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
    ],
    "postgresql": [
        f"""CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$""",
        """CREATE TRIGGER audit_no_delete BEFORE DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
        f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
        WHEN (NOT ({FORGETS} AND ({NEW}) IS NOT DISTINCT FROM ({OLD})))
        EXECUTE FUNCTION audit_refuse()""",
    ],
}


def upgrade() -> None:
    """Make the table anew, its rows in the order of their times, then the triggers that keep them."""
    columns = [sa.column(name, sa.DateTime if name == "at" else sa.String) for name in PAYLOAD[:-1]]
    before = sa.table("audit", *columns, sa.column("detail", sa.JSON))
    said = op.get_bind().execute(sa.select(before).order_by(before.c.at, before.c.audit_id)).mappings().all()
    op.drop_table("audit")
    audit = op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("audit_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_audit_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    op.create_index(op.f("ix_audit_action"), "audit", ["action"], unique=False)
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_agreements")),
    )
    previous = GENESIS
    for payload in map(dict, said):
        salt = secrets.token_hex(16)
        commitment = commit(salt, payload)
        hashed = {"salt": salt, "commitment": commitment, "previous_hash": previous}
        previous = link(previous, commitment)
        op.get_bind().execute(sa.insert(audit).values(**payload, **hashed, hash=previous))
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)
