"""Keep who a person said is one, or is not; said once, it can only be withdrawn."""  # noqa: INP001 - a script

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SAID = (
    "decision_id, kind, source, source_record_id, other_source, other_record_id, author, reason, decided_at"
)
OLD, NEW = (", ".join(f"{row}.{column}" for column in SAID.split(", ")) for row in ("OLD", "NEW"))
WITHDRAWS = "OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL"
WORDS = "identity_decisions is append-only but for withdrawals"

REFUSALS = {
    "sqlite": [
        f"""CREATE TRIGGER identity_decisions_no_delete BEFORE DELETE ON identity_decisions
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
        f"""CREATE TRIGGER identity_decisions_no_update BEFORE UPDATE ON identity_decisions
        WHEN NOT ({WITHDRAWS} AND ({NEW}) IS ({OLD}))
        BEGIN SELECT RAISE(ABORT, '{WORDS}'); END""",
    ],
    "postgresql": [
        f"""CREATE FUNCTION identity_decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$""",
        """CREATE TRIGGER identity_decisions_no_delete BEFORE DELETE OR TRUNCATE ON identity_decisions
        FOR EACH STATEMENT EXECUTE FUNCTION identity_decisions_refuse()""",
        f"""CREATE TRIGGER identity_decisions_no_update BEFORE UPDATE ON identity_decisions FOR EACH ROW
        WHEN (NOT ({WITHDRAWS} AND ({NEW}) IS NOT DISTINCT FROM ({OLD})))
        EXECUTE FUNCTION identity_decisions_refuse()""",
    ],
}


def upgrade() -> None:
    """Create the table, then the triggers that keep what was said."""
    op.create_table(
        "identity_decisions",
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_record_id", sa.String(), nullable=False),
        sa.Column("other_source", sa.String(), nullable=False),
        sa.Column("other_record_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_identity_decisions")),
    )
    for statement in REFUSALS[op.get_bind().dialect.name]:
        op.execute(statement)
