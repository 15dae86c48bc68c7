"""What a build has to do again: everything, or the part that changed since the last published build.

A build of a part replaces rows in the tables that the last one left, so it is right only where those are what the last
release was made from, by the same code, settings and policies. It begins with the records of the landings that are new
(`increment.records`). Identity and the store's consents say whose view they touch (`increment.people`), and dependents.py
adds whoever depends on the same order, message, ticket or address; these people are rebuilt whole. How a model is rebuilt
is its own to say (dbt_project/macros/increment.sql).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.errors import BuildError
from data_contracts.sql import quote
from pipelines.warehouse.connection import has_table
from pipelines.warehouse.dependents import (
    find_dependents,
    link_records,
    mass_texts_changed,
    remember,
    widen_threads,
)
from pipelines.warehouse.load import TableLoad

if TYPE_CHECKING:
    import duckdb

# Above so many new rows of all, most people are touched, and to find out whom would come on top.
LARGEST_SHARE = 0.2
MOST_PEOPLE = 0.5  # above so many of all customers a whole build is no more work
WHOLE, PART = "full", "part"


@dataclass(frozen=True)
class Basis:
    """By what the tables of the warehouse are made (a name for code, settings and policies), and the release that stands."""

    name: str
    release: str | None


@dataclass(frozen=True)
class Increment:
    """Whether a part is enough (`kind` is `part` or `full`), why not, and how many records and people it concerns."""

    kind: str = WHOLE
    reason: str = ""
    records: int = 0
    people: int = 0

    @property
    def is_part(self) -> bool:
        """Say whether only what changed is built."""
        return self.kind == PART


def leave(connection: "duckdb.DuckDBPyConnection") -> Basis | None:
    """Note that the tables are no longer those of a release, before anything is done to them; give by what they were made.

    None where that is not known. Until `finish` the warehouse is between two releases: a build that ends otherwise is
    followed by a whole one, and so is a run of a few assets.
    """
    if not has_table(connection, "increment", "built"):
        return None
    built = connection.execute("FROM increment.built").fetchall()
    connection.execute("DELETE FROM increment.built")
    forget(connection)
    return Basis(*built[0]) if built else None


def begin(
    connection: "duckdb.DuckDBPyConnection",
    loads: Sequence[TableLoad],
    made: Basis | None,
    basis: Basis,
    *,
    full: bool,
) -> Increment:
    """Decide what a build has to do, just after loading, and note which records are new.

    `made` is by what the tables were made that the build finds, `basis` by what it makes them.
    """
    reason = "A full build was asked for." if full else _against(loads, made, basis)
    connection.execute(_PREPARE)
    if not reason:
        for load in loads:
            _note_records(connection, load)
        widen_threads(connection)
        remember(connection)
    return _settled(connection, WHOLE if reason else PART, reason)


def find_people(connection: "duckdb.DuckDBPyConnection") -> Increment:
    """Widen `increment.people` to whoever's view depends on what changed, and note what theirs is made of.

    Gives a whole build where most people are concerned, or where texts became mass texts or are none any more: to find out
    what that means for whom costs more than it saves.
    """
    if mass_texts_changed(connection):
        return _settled(connection, WHOLE, "Other texts than before went to many people at once.")
    find_dependents(connection)
    people, all_people = connection.execute(_SHARE).fetchall()[0]
    if people > MOST_PEOPLE * all_people:
        return _settled(connection, WHOLE, f"{people:,} of {all_people:,} customers are concerned.")
    link_records(connection)
    return _settled(connection, PART, "")


def cut(connection: "duckdb.DuckDBPyConnection", relations: Mapping[str, str]) -> None:
    """Put the rows of the linked records of each relation (its schema by its name) into schema `slice`."""
    for name, schema in relations.items():
        connection.execute(
            f"DROP TABLE IF EXISTS slice.{quote(name)}"
        )  # what a part made of the new records alone
        connection.table(f"{schema}.{name}").filter(_IS_LINKED).create(f"slice.{name}")


def require_own(connection: "duckdb.DuckDBPyConnection") -> None:
    """Raise BuildError where somebody has run dbt by hand since this build began: the tables are partly theirs."""
    if not has_table(connection, "increment", "built"):
        raise BuildError(
            "Somebody ran dbt by hand in the warehouse while it was being built, so nothing was published.",
            "Run `rapport build` again: it makes everything anew.",
        )


def finish(connection: "duckdb.DuckDBPyConnection", made: Basis) -> None:
    """Note of which release the tables are, so that the next build may begin from them while that one stands.

    Where somebody has run dbt by hand meanwhile, they are no release's.
    """
    forget(connection)
    if has_table(connection, "increment", "built"):
        connection.execute("DELETE FROM increment.built")
        connection.execute("INSERT INTO increment.built VALUES (?, ?)", [made.name, made.release])


def forget(connection: "duckdb.DuckDBPyConnection") -> None:
    """Let no later run take itself for the build of a part that was under way; keep nothing of how things stood before."""
    connection.execute("DROP SCHEMA IF EXISTS slice CASCADE")
    for name, kind in connection.execute(_FORMER).fetchall():
        connection.execute(f"DROP {kind} increment.{quote(name)}")
    if has_table(connection, "increment", "state"):
        _settled(connection, WHOLE, "")


def is_part(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Say whether the build that is under way is one of a part."""
    if not has_table(connection, "increment", "state"):
        return False
    return connection.execute("SELECT kind FROM increment.state").fetchall() == [(PART,)]


def _against(loads: Sequence[TableLoad], made: Basis | None, basis: Basis) -> str:
    """Give the reason why a part will not do; empty where it will."""
    if made is None:
        return "Nothing was built before, or what was did not end with a release."
    if made.name != basis.name:
        return "The program, its settings or its policies are not those of the build before."
    if made.release != basis.release:
        return "The release that stands is not of the build before."
    again = [load.table for load in loads if load.rebuilt]
    if again:
        return f"What had landed of {', '.join(sorted(again))} has changed."
    rows, new = sum(load.rows for load in loads), sum(load.new_rows for load in loads)
    return f"{new:,} of {rows:,} rows are new." if new > LARGEST_SHARE * rows else ""


def _settled(connection: "duckdb.DuckDBPyConnection", kind: str, reason: str) -> Increment:
    connection.execute("CREATE OR REPLACE TABLE increment.state (kind VARCHAR, reason VARCHAR)")
    connection.execute("INSERT INTO increment.state VALUES (?, ?)", [kind, reason])
    return Increment(kind, reason, *connection.execute(_COUNTS).fetchall()[0])


def _note_records(connection: "duckdb.DuckDBPyConnection", load: TableLoad) -> None:
    """Note the records of the rows that were appended last; a table is never written to otherwise."""
    if load.new_rows:
        appended = connection.table(f"landing.{quote(load.table)}").filter(
            f"rowid >= {load.rows - load.new_rows}"
        )
        appended.project("source, source_record_id").distinct().insert_into("increment.records")


_PREPARE = """
    CREATE SCHEMA IF NOT EXISTS increment;
    CREATE OR REPLACE TABLE increment.built (basis VARCHAR, release VARCHAR);
    CREATE OR REPLACE TABLE increment.records (source VARCHAR, source_record_id VARCHAR);
    CREATE OR REPLACE TABLE increment.people (customer_id VARCHAR);
    DROP SCHEMA IF EXISTS slice CASCADE;
    CREATE SCHEMA slice;
"""
_FORMER = """
    SELECT table_name, CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END
    FROM information_schema.tables
    WHERE table_schema = 'increment' AND starts_with(table_name, 'former_')
    ORDER BY ALL DESC
"""
_COUNTS = """
    SELECT (SELECT count(*) FROM increment.records), (SELECT count(DISTINCT customer_id) FROM increment.people)
"""
_SHARE = "SELECT (SELECT count(*) FROM increment.people), (SELECT count(DISTINCT customer_id) FROM identity.identity_map)"
_IS_LINKED = "(source, source_record_id) IN (SELECT (source, source_record_id) FROM increment.linked_records)"
