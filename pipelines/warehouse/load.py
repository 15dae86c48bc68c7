"""Landed parquet files become the tables of schema `landing`, one per inbound contract.

A table has the contract's columns and types plus `row_hash` and `landing_id`, and is there even when nothing
has landed. Each run adds the landings that are new; a table is built afresh when one of its landings has gone
or was written again, when its contract's columns changed, or when a full build is asked for. Only files that
still are what their manifest says are loaded: DuckDB reads a parquet file with a flipped bit without a word,
so the hash decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.errors import InputError
from data_contracts.sql import quote
from pipelines.landing.manifest import Landing, verify

JOURNAL = "warehouse.loaded_landings"
LANDED = {"row_hash": "VARCHAR", "landing_id": "VARCHAR"}  # what landing adds to the contract's columns


@dataclass(frozen=True)
class TableLoad:
    """What loading did to one table.

    `refused` names landings (`source/landing_id`) whose file is not what was landed.
    """

    table: str
    rows: int
    new_rows: int
    landings: int
    rebuilt: bool
    refused: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    rebuild: bool
    load: Sequence[Landing]


def load_tables(
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, Mapping[str, str]],
    landings: Iterable[Landing],
    *,
    full: bool = False,
) -> list[TableLoad]:
    """Bring every table of schema `landing` up to date.

    `columns` gives, for each table, its columns and their DuckDB types; `landings` is all that has landed.
    """
    _prepare(connection)
    columns = {table: {**own, **LANDED} for table, own in columns.items()}
    by_table: dict[str, list[Landing]] = {table: [] for table in columns}
    for landing in landings:
        by_table.setdefault(landing.table, []).append(landing)
    return [_load_table(connection, table, columns[table], by_table[table], full=full) for table in columns]


def _load_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    landings: Sequence[Landing],
    *,
    full: bool,
) -> TableLoad:
    plan = _plan(connection, table, columns, landings, full=full)
    sound, refused = _verified(plan.load)
    connection.execute("BEGIN TRANSACTION")
    if plan.rebuild:
        _create(connection, table, columns)
    new_rows = sum(_insert(connection, table, columns, landing) for landing in sound)
    connection.execute("COMMIT")
    rows = connection.execute("SELECT count(*) FROM query_table(?)", [f"landing.{table}"]).fetchall()[0][0]
    return TableLoad(table, rows, new_rows, len(landings), plan.rebuild, refused)


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS landing")
    connection.execute("CREATE SCHEMA IF NOT EXISTS warehouse")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {JOURNAL}"
        " (table_name VARCHAR, source VARCHAR, landing_id VARCHAR, parquet_sha256 VARCHAR, rows BIGINT)"
    )


def _plan(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    landings: Sequence[Landing],
    *,
    full: bool,
) -> _Plan:
    loaded = _journal(connection, table)
    present = {_key(landing) for landing in landings}
    if full or not loaded <= present or not _has_shape(connection, table, columns):
        return _Plan(rebuild=True, load=landings)
    return _Plan(rebuild=False, load=[landing for landing in landings if _key(landing) not in loaded])


def _key(landing: Landing) -> tuple[str, str, str]:
    return landing.source, landing.landing_id, landing.parquet_sha256


def _journal(connection: duckdb.DuckDBPyConnection, table: str) -> set[tuple[str, str, str]]:
    query = "SELECT source, landing_id, parquet_sha256 FROM warehouse.loaded_landings WHERE table_name = ?"
    return {(row[0], row[1], row[2]) for row in connection.execute(query, [table]).fetchall()}


def _has_shape(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> bool:
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_catalog = current_database() AND table_schema = 'landing' AND table_name = ?"
        " ORDER BY ordinal_position",
        [table],
    ).fetchall()
    return found == list(columns.items())


def _create(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    definitions = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"DROP TABLE IF EXISTS landing.{quote(table)}")
    connection.execute(f"CREATE TABLE landing.{quote(table)} ({definitions})")
    connection.execute("DELETE FROM warehouse.loaded_landings WHERE table_name = ?", [table])


def _verified(landings: Iterable[Landing]) -> tuple[list[Landing], tuple[str, ...]]:
    sound, refused = [], []
    for landing in landings:
        try:
            verify(landing)
            sound.append(landing)
        except InputError:
            refused.append(f"{landing.source}/{landing.landing_id}")
    return sound, tuple(refused)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], landing: Landing
) -> int:
    """Append one landed file; a column that its contract had not yet when it landed is NULL."""
    relation = connection.read_parquet(str(Path(landing.path)))
    has = set(relation.columns)
    wanted = [quote(name) if name in has else "NULL" for name in columns]
    relation.project(", ".join(wanted)).insert_into(f"landing.{table}")
    connection.execute(
        "INSERT INTO warehouse.loaded_landings VALUES (?, ?, ?, ?, ?)",
        [table, landing.source, landing.landing_id, landing.parquet_sha256, landing.accepted],
    )
    return landing.accepted
