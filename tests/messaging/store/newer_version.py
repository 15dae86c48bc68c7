"""A Rapport of tomorrow, with one migration more, that upgrades the store when told: `python newer_version.py FOLDER`."""

import shutil
import sys
from pathlib import Path

from messaging.store import schema

MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{schema.REVISIONS[-1]}"


def upgrade() -> None:
    op.create_table("of_tomorrow", sa.Column("id", sa.String(), primary_key=True))
"""

schema.MIGRATIONS = Path(shutil.copytree(schema.MIGRATIONS, Path(sys.argv[1]) / "migrations"))
(schema.MIGRATIONS / "versions" / "9999_tomorrow.py").write_text(MIGRATION)
schema.REVISIONS = (*schema.REVISIONS, "9999")
schema.upgrade.__defaults__ = ("9999",)

from messaging.cli import app  # noqa: E402 - after this version became tomorrow's

sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
app(["upgrade"])
