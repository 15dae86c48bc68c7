"""Which schema a store has, and how it is brought to this version's."""

from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, inspect, text

SchemaState = Literal["current", "missing", "older", "newer"]

MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
    "0021",
    "0022",
    "0023",
    "0024",
    "0025",
    "0026",
    "0027",
    "0028",
    "0029",
)  # oldest first; a test holds this equal to the migration scripts


def stored_revision(connection: Connection) -> str | None:
    """Give the revision that a store stands at, or None where it was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def schema_state(connection: Connection) -> SchemaState:
    """Compare a store's schema with this version's; a revision unknown to us is a newer Rapport's."""
    revision = stored_revision(connection)
    if revision is None:
        return "missing"
    if revision == REVISIONS[-1]:
        return "current"
    return "older" if revision in REVISIONS else "newer"


def upgrade(connection: Connection, revision: str = REVISIONS[-1]) -> None:
    """Run the migrations that are missing up to a revision, inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
