"""The staged table: what a reader made of a file, before anything is judged.

It has a `position` (the order in the file, from 1) and the contract's columns but `received_at`, each of them either in
the contract's type or as text in canonical form: whole numbers in digits, `true` or `false`, times as 2026-10-30 12:00:00
(naive UTC), dates as 2026-10-30. What a reader could not make sense of it hands on as `unreadable: <text>`, so that the row
is set aside with that reason. Where nothing tells the time of a row, `on arrival` stands for it.
It may be a view of a parquet file, which is then read a few columns at a time.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.contracts import Contract
from data_contracts.sql import Sql, joined, name, sql, value
from messaging.settings import Settings
from pipelines.landing.origin import Origin

STAGED = "staged"
UNREADABLE = "unreadable: "
RECEIVED = "received_at"
OCCURRED = "occurred_at"
ARRIVAL = "on arrival"  # as the time of a row that has none of its own: it is that of its reception
MEMORY = "1GB"
SPILL = ".spill"  # a folder for each process, below the landing zone
CHUNK = 2_000  # records that Python holds at once
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Delivery:
    """What came: the source system, the canonical table, the file or folder, and the mapping that read it.

    `streamed` is the file that the staged table is a view of, where it is one: it may not change until it has landed.
    """

    source: str
    table: str
    file_name: str
    file_sha256: str
    mapping_hash: str
    streamed: Path | None = None
    origin: Origin = field(default_factory=Origin)


def open_stage(settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB of its own, in memory, that downloads nothing; what is too much for MEMORY goes to disk, into our home.

    Without settings nothing goes to disk.
    """
    spill = ""
    if settings:
        (settings.landing_dir / SPILL).mkdir(parents=True, exist_ok=True)
        spill = str(settings.landing_dir / SPILL / str(os.getpid()))
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "memory_limit": MEMORY,
            "temp_directory": spill,
            "TimeZone": "UTC",
        },
    )
    connection.execute("SET enable_progress_bar = false")  # it would draw one on our standard output
    return connection


def clear_spills(settings: Settings) -> None:
    """Remove what the databases of processes that are gone have left on the disk."""
    for folder in (settings.landing_dir / SPILL).glob("*"):
        if not Path(f"/proc/{folder.name}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def staged_types(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Give the type of each column of the staged table: its contract's, or VARCHAR."""
    return {row[0]: row[1] for row in connection.execute("DESCRIBE staged").fetchall()}


def staged_columns(contract: Contract) -> list[str]:
    """Name the columns of the staged table, without `position`."""
    return [column.name for column in contract.columns if column.name != RECEIVED]


def stage_records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, records: Iterable[Mapping[str, str | None]]
) -> None:
    """Stage records that Python read; a column that a record does not name is missing. Empty text is missing too.

    They are taken over chunk by chunk, so that a mailbox of any size passes.
    """
    columns = staged_columns(contract)
    stage_query(connection, columns, _as_table(columns, ()))
    position = 0
    remaining = iter(records)
    while chunk := list(islice(remaining, CHUNK)):
        _append(connection, columns, _as_table(columns, chunk), position)
        position += len(chunk)


def _as_table(columns: Sequence[str], records: Sequence[Mapping[str, str | None]]) -> pa.Table:
    return pa.table(
        {column: text_array([record.get(column) or None for record in records]) for column in columns}
    )


def text_array(texts: Sequence[str | None]) -> pa.Array:
    """Give texts to Arrow. Half a character, as JSON may hold of an emoji that was cut off, becomes the sign for that."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text and _HALVES.sub("\ufffd", text) for text in texts], pa.string())


def _append(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], table: pa.Table, position: int
) -> None:
    connection.register("incoming", table)
    picked = joined(", ", map(name, columns))
    statement = sql(
        "INSERT INTO staged SELECT row_number() OVER () + {} AS position, {} FROM incoming",
        value(position),
        picked,
    )
    connection.execute(statement.text, statement.bound)
    connection.unregister("incoming")


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


def text_of(column: str, types: Mapping[str, str]) -> Sql:
    """Give a staged column as canonical text."""
    return name(column) if types[column] == "VARCHAR" else sql("CAST({} AS VARCHAR)", name(column))


def row_hash(contract: Contract, types: Mapping[str, str]) -> Sql:
    """Hash a staged row: every value that is there with its column's name, so that new columns change no hash.

    Left out are `received_at` and `raw_record`: the same record in another file format is the same row. For that reason
    1 and 1.0 are the same where the contract has a DOUBLE.
    """
    kinds = contract.duckdb_columns()
    parts = (
        sql("{} || {}", Sql(f"'{column}='"), _hashed(column, kinds[column], types))
        for column in staged_columns(contract)
        if column != "raw_record"
    )
    return sql("left(sha256(concat_ws(chr(31), {})), 32)", joined(", ", parts))


def _hashed(column: str, kind: str, types: Mapping[str, str]) -> Sql:
    text = text_of(column, types)
    if kind == "DOUBLE" and types[column] == "VARCHAR":
        return sql("coalesce(CAST(try_cast({} AS DOUBLE) AS VARCHAR), {})", text, text)
    return text
