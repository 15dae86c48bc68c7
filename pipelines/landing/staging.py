"""The staged table: what a reader made of a file, before anything is judged.

It has a `position` (the order in the file, from 1) and the contract's columns but `received_at`, all of them text in
canonical form: whole numbers in digits, `true` or `false`, times as 2026-10-30 12:00:00 (naive UTC), dates as 2026-10-30.
What a reader could not make sense of it hands on as `unreadable: <text>`, so that the row is set aside with that reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from data_contracts.contracts import Contract
from data_contracts.sql import Sql, joined, name, sql

STAGED = "staged"
UNREADABLE = "unreadable: "
RECEIVED = "received_at"
MEMORY = "1GB"


@dataclass(frozen=True)
class Delivery:
    """What came: the source system, the canonical table, the file or folder, and the mapping that read it."""

    source: str
    table: str
    file_name: str
    file_sha256: str
    mapping_hash: str


def open_stage() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB of its own, in memory, that downloads nothing."""
    return duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "memory_limit": MEMORY, "TimeZone": "UTC"},
    )


def staged_columns(contract: Contract) -> list[str]:
    """Name the columns of the staged table, without `position`."""
    return [column.name for column in contract.columns if column.name != RECEIVED]


def stage_records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, records: Iterable[Mapping[str, str | None]]
) -> None:
    """Stage records that Python read; a column that a record does not name is missing. Empty text is missing too."""
    columns = staged_columns(contract)
    values: dict[str, list[str | None]] = {column: [] for column in columns}
    for record in records:
        for column in columns:
            values[column].append(record.get(column) or None)
    table = pa.table({column: pa.array(items, pa.string()) for column, items in values.items()})
    stage_query(connection, columns, table)


def stage_query(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], table: pa.Table) -> None:
    """Stage an Arrow table that holds the staged columns as text."""
    connection.register("incoming", table)
    picked = joined(", ", map(name, columns))
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE staged AS SELECT row_number() OVER () AS position, {} FROM incoming",
        picked,
    )
    connection.execute(statement.text)
    connection.unregister("incoming")


def row_hash(columns: Sequence[str]) -> Sql:
    """Hash a staged row: every value that is there with its column's name, so that new columns change no hash.

    Left out are `received_at` and `raw_record`: the same record in another file format is the same row.
    """
    parts = (
        sql("{} || {}", Sql(f"'{column}='"), name(column)) for column in columns if column != "raw_record"
    )
    return sql("left(sha256(concat_ws(chr(31), {})), 32)", joined(", ", parts))
