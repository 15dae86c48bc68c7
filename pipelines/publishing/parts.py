"""A release by people: a copy of the one before in which only those are replaced of whom something differs.

An increment of the warehouse says of whom, in its schema `increment`: `state(kind, reason)`, one row whose kind is `full` or
`part`, and `people(customer_id)`. A part replaces every row of these people in the tables that are kept by people, so that
the rows of one person go on lying in one place; all other tables are written whole. The file of the release before is copied
and never opened for writing, so that a build that dies leaves it as it was.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.sql import name, sql
from messaging.customers.cards import CARDS, LASTING
from pipelines.publishing.cards import LASTING_TABLES
from pipelines.publishing.pointer import SCHEMA_VERSION, Pointer, read_pointer
from pipelines.warehouse.connection import quote_text
from pipelines.warehouse.increment import is_part

IN_A_ROW = 20  # parts, then one is written whole and everybody's rows are sorted again
GROWN = 1.3  # times what the rows took when they were written whole: the rest is what was deleted
CARD_FORM = hashlib.sha256(repr(LASTING).encode()).hexdigest()[:16]
COLUMNS = """
SELECT table_name, list(row(column_name, data_type) ORDER BY column_index)
FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? GROUP BY table_name
"""


@dataclass(frozen=True)
class Part:
    """What a release is written from: the one before, the tables whose rows are kept but for some people's.

    `keeps_cards` where the lists of people's cards are kept, too.
    """

    before: Pointer
    path: Path
    tables: frozenset[str]
    keeps_cards: bool


def find_part(
    connection: duckdb.DuckDBPyConnection,
    releases_dir: Path,
    since: str | None,
    by_people: Mapping[str, str],
) -> Part | None:
    """Say from what a release may be written by people; None where it has to be written whole.

    `since` is the version of the release that was made of the warehouse before this increment, `by_people` gives the
    schema of each table that is kept by people.
    """
    before = read_pointer(releases_dir)
    if before is None or since is None or before.version != since or not is_part(connection):
        return None
    path = releases_dir / before.file
    if before.schema_version != SCHEMA_VERSION or before.parts >= IN_A_ROW:
        return None
    if not path.exists() or _has_grown(before, path.stat().st_size):
        return None
    connection.execute(f"ATTACH {quote_text(str(path))} AS before (READ_ONLY)")
    there = dict(connection.execute(COLUMNS, ["before", "main"]).fetchall())
    tables = frozenset(
        table
        for table, schema in by_people.items()
        if there.get(table) == _columns(connection, schema, table)
    )
    keeps_cards = CARDS in there and before.card_form == CARD_FORM and tables >= LASTING_TABLES
    if not tables:
        connection.execute("DETACH before")
        return None
    return Part(before, path, tables, keeps_cards)


def drop_others(connection: duckdb.DuckDBPyConnection, kept: Collection[str]) -> None:
    """Drop the tables of a copied release that are written whole, so that what is written takes their place."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'release'"
    ).fetchall()
    for (table,) in found:
        if table not in kept:
            connection.execute(sql("DROP TABLE release.main.{}", name(table)).text)
    connection.execute("CHECKPOINT release")


def delete_people(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Delete the rows of the increment's people from a table of the release, and those that are nobody's."""
    target = name(table)
    connection.execute(sql("DELETE FROM release.main.{} WHERE customer_id IS NULL", target).text)
    theirs = "DELETE FROM release.main.{} AS old USING increment.people AS gone WHERE old.customer_id = gone.customer_id"
    connection.execute(sql(theirs, target).text)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file inside the kernel; where the file system can, the copy shares the blocks until they are written."""
    try:
        with source.open("rb") as old, target.open("wb") as new:
            while os.copy_file_range(old.fileno(), new.fileno(), 2**30):
                pass
    except (AttributeError, OSError):  # another system, or two file systems
        shutil.copyfile(source, target)


def _has_grown(before: Pointer, size: int) -> bool:
    rows = sum(before.row_counts.values())
    return not before.whole_rows or size * before.whole_rows > GROWN * before.whole_bytes * rows


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> object:
    return dict(connection.execute(COLUMNS, ["c360", schema]).fetchall()).get(table)
