"""A release: one fresh DuckDB file with the published tables only, which every reader opens read-only.

It is written under a temporary name, closed, synced and renamed, and only then does the pointer name it. So a
build that dies at any moment leaves the last release as it was, and a reader never sees half a file. A path
is never written twice: DuckDB keeps one instance per path and process, and would go on showing the old
content.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.errors import BuildError
from data_contracts.sql import quote
from messaging.customers.cards import CARDS, FORM
from pipelines.publishing.cards import MADE_OF, write_cards
from pipelines.publishing.changes import ReleaseChanges
from pipelines.publishing.gc import PAST, collect, collect_past
from pipelines.publishing.parts import CARD_FORM, copy_file, delete_people, drop_others, find_part
from pipelines.publishing.pointer import SCHEMA_VERSION, Pointer, file_sha256, sync, write_pointer
from pipelines.warehouse.connection import CATALOG, open_warehouse, quote_text

SCHEMAS = (
    "marts",
    "identity",
    "warehouse",
)  # where a published table may stand, the first that has it counts
PUBLISHED = (
    "customer_360",
    "customer_360_history",
    "customer_timeline",
    "orders",
    "order_lines",
    "customer_value",
    "shipments",
    "metric_deliverability_weekly",
    "metric_engagement_weekly",
    "conversations",
    "messages",
    "feedback",
    "metric_first_response_weekly",
    "metric_resolution_weekly",
    "metric_channel_weekly",
    "metric_agent_workload_weekly",
    "metric_complaint_surge_daily",
    "identity_map",
    "customer_identifiers",
    "identity_alias",
    "identity_evidence",
    "identity_refused",
    "identity_blocked",
    "identity_golden",
    "identity_review",
    "identity_journal",
    "identity_phones",
    "consent_imports",
    "products",
    "model_fits",
    "source_freshness",
    "contract_results",
    "landed_files",
    "lineage",
    "data_dictionary",
    "metric_revenue_weekly",
    "metric_revenue_cohort_monthly",
    "metric_rfm_migration",
)
MOMENTS = (
    "occurred_at",
    "valid_from",
)  # what the rows of one customer are sorted by, the first that a table has
# Who looks one customer up reads the whole row groups that hold the rows: 5 CPU ms for 500 touches with groups of
# this size, 8 with DuckDB's 122,880, for a file that is a fifth larger (950,000 touches, 2026-11-22).
ROW_GROUP = 20_480
TIME_OF_DAY = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class ReleaseFacts:
    """What a release says about itself.

    Times are naive UTC; `watermarks` is the newest `received_at` of each landed table; `notes` are sentences about what
    was refused or left out.
    """

    as_of: datetime
    built_at: datetime
    build_id: str
    run_id: str
    watermarks: Mapping[str, str]
    changes: ReleaseChanges | None = None
    notes: Sequence[str] = ()

    @property
    def version(self) -> str:
        """Name the release: the moment it tells of, and the birth of the build."""
        return release_version(self.as_of, self.build_id)


def release_version(as_of: datetime, build_id: str) -> str:
    """Name the release of a build, or what it would have been."""
    born = build_id.removeprefix("bld_")[:12]  # a UUIDv7 begins with its milliseconds
    return f"{as_of.strftime(TIME_OF_DAY)}-{born}"


INFO = "release_info"
INFO_COLUMNS = {
    "version": "VARCHAR",
    "as_of": "TIMESTAMP",
    "built_at": "TIMESTAMP",
    "run_id": "VARCHAR",
    "schema_version": "VARCHAR",
    "row_counts": "JSON",
    "watermarks": "JSON",
    "changes": "JSON",
    "notes": "VARCHAR[]",
}


@dataclass(frozen=True)
class Comment:
    """What a table of the release is, or one of its columns: any tool that opens the file can show it."""

    table: str
    words: str
    column: str = ""


def publish(  # noqa: PLR0913 - what a release is made of
    build_path: Path,
    releases_dir: Path,
    facts: ReleaseFacts,
    tables: Sequence[str] = PUBLISHED,
    comments: Sequence[Comment] = (),
    *,
    by_people: Collection[str] = (),
    since: str | None = None,
) -> Pointer:
    """Write a release from the warehouse and let the pointer name it; the caller holds the build's lock.

    Of the tables `by_people` only the rows of those are written in whom an increment found a difference, the others are
    taken over from the release `since`: the version that was made of the warehouse before this increment, None where
    that is not known. Whatever speaks against it, the release is written whole. Raises BuildError when a published
    table is missing.
    """
    pointer = _write(build_path, releases_dir, facts, tables, comments, by_people=by_people, since=since)
    write_pointer(releases_dir, pointer)
    collect(releases_dir)
    collect_past(releases_dir / PAST)
    return pointer


def publish_past(
    build_path: Path,
    releases_dir: Path,
    facts: ReleaseFacts,
    tables: Sequence[str] = PUBLISHED,
    comments: Sequence[Comment] = (),
) -> Pointer:
    """Write a release of a past moment into a folder of its own, for whoever opens it; `current.json` stays as it is."""
    pointer = _write(build_path, releases_dir / PAST, facts, tables, comments)
    collect_past(releases_dir / PAST)
    return pointer


def _write(  # noqa: PLR0913 - what a release is made of
    build_path: Path,
    releases_dir: Path,
    facts: ReleaseFacts,
    tables: Sequence[str],
    comments: Sequence[Comment],
    *,
    by_people: Collection[str] = (),
    since: str | None = None,
) -> Pointer:
    releases_dir.mkdir(parents=True, exist_ok=True)
    name = f"c360-{facts.version}.duckdb"
    aside = releases_dir / f"{name}.tmp"
    aside.unlink(missing_ok=True)
    with open_warehouse(build_path, read_only=True) as connection:
        schemas = _schemas_of(connection, tables)
        part = find_part(connection, releases_dir, since, {each: schemas[each] for each in by_people})
        if part:
            copy_file(part.path, aside)
        connection.execute(f"ATTACH {quote_text(str(aside))} AS release (ROW_GROUP_SIZE {ROW_GROUP})")
        kept = part.tables if part else frozenset[str]()
        if part:
            drop_others(connection, kept)
        row_counts = {
            table: (_replace if table in kept else _copy)(connection, schema, table)
            for table, schema in schemas.items()
        }
        if set(tables) >= MADE_OF:
            write_cards(connection, by_people=part is not None and part.keeps_cards)
        _write_info(connection, facts, row_counts)
        for comment in comments:
            if comment.table not in kept:  # a copy has kept them, and a part is of the same words
                connection.execute(_comment(comment))
        connection.execute("CHECKPOINT release")
        connection.execute("DETACH release")
    rows, size = sum(row_counts.values()), aside.stat().st_size
    pointer = Pointer(
        version=facts.version,
        file=name,
        as_of=facts.as_of,
        built_at=facts.built_at,
        schema_version=SCHEMA_VERSION,
        row_counts=row_counts,
        sha256=file_sha256(aside),
        parts=part.before.parts + 1 if part else 0,
        whole_bytes=part.before.whole_bytes if part else size,
        whole_rows=part.before.whole_rows if part else rows,
        card_form=CARD_FORM,
    )
    sync(aside)
    aside.replace(releases_dir / name)
    sync(releases_dir)
    return pointer


def _copy(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> int:
    relation = _sorted(connection.table(f"c360.{schema}.{table}"))
    relation.create(f"release.main.{table}")
    if "customer_id" in relation.columns:  # a card takes 2 ms with it
        connection.execute(f"CREATE INDEX {table}_customer_id ON release.main.{table} (customer_id)")
    if {"identifier_type", "value"} <= set(relation.columns):
        # asked for by an address: 1 ms, where a scan of 6M takes 115
        connection.execute(f"CREATE INDEX {table}_value ON release.main.{table} (value)")
    return _count(connection, table)


def _replace(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> int:
    """Replace the rows of the increment's people, and those that are nobody's."""
    delete_people(connection, table)
    rows = connection.table(f"c360.{schema}.{table}")
    nobodys = rows.filter("customer_id IS NULL")
    theirs = rows.join(connection.table("c360.increment.people").distinct(), "customer_id", how="semi")
    _sorted(nobodys.union(theirs)).insert_into(f"release.main.{table}")
    return _count(connection, table)


def _sorted(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Sort rows so that one person's lie together, the newest last."""
    columns = set(relation.columns)
    if "customer_id" not in columns:
        return relation
    moment = next((moment for moment in MOMENTS if moment in columns), "")
    return relation.order(", ".join(each for each in ("customer_id", moment, "touch_id") if each in columns))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute("SELECT count(*) FROM query_table(?)", [f"release.main.{table}"]).fetchall()
    return int(found[0][0])


def _comment(comment: Comment) -> str:
    """Write the statement that keeps a comment; it takes no bound parameter."""
    thing = "COLUMN" if comment.column else "TABLE"
    path = f"release.main.{quote(comment.table)}" + (f".{quote(comment.column)}" if comment.column else "")
    return f"COMMENT ON {thing} {path} IS {quote_text(comment.words)}"


def published_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Give the columns and DuckDB types of every table of a release, in order."""
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(_COLUMNS, [CATALOG]).fetchall():
        columns.setdefault((schema, table), {})[column] = kind
    schemas = _schemas_of(connection, PUBLISHED)
    return {table: columns[schemas[table], table] for table in PUBLISHED} | {CARDS: FORM, INFO: INFO_COLUMNS}


def _schemas_of(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> dict[str, str]:
    """Give the schema in which each published table stands; raises BuildError for one that is missing."""
    found = set(connection.execute(_TABLES, [CATALOG]).fetchall())
    schemas = {table: next((each for each in SCHEMAS if (each, table) in found), "") for table in tables}
    if missing := [table for table, schema in schemas.items() if not schema]:
        raise BuildError(
            f"The warehouse has no table {missing[0]}, which every release carries.",
            "Run `rapport build --full`.",
        )
    return schemas


_TABLES = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?"
_COLUMNS = """
    SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = ?
    ORDER BY schema_name, table_name, column_index
"""


def _write_info(
    connection: duckdb.DuckDBPyConnection, facts: ReleaseFacts, row_counts: Mapping[str, int]
) -> None:
    columns = ", ".join(f"{column} {kind}" for column, kind in INFO_COLUMNS.items())
    connection.execute(f"CREATE TABLE release.main.{INFO} ({columns})")
    row: list[Any] = [facts.version, facts.as_of, facts.built_at, facts.run_id, SCHEMA_VERSION]
    row += [json.dumps(row_counts), json.dumps(facts.watermarks)]
    row += [json.dumps(facts.changes.to_document()) if facts.changes else None, list(facts.notes)]
    connection.execute("INSERT INTO release.main.release_info VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
