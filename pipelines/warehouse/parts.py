"""Write a large table part by part, where the memory of builds is bounded.

DuckDB puts away most of what does not fit, and not all: a query that groups and joins several times holds some of each
at once. Cleaning 20 million records for scoring failed in 1.8 GB, and passes in parts (2026-11-23).
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.warehouse.connection import most_megabytes

if TYPE_CHECKING:
    import duckdb

# Of a row that is grouped with a few texts beside it.
BYTES_A_ROW = 400


def parts_of(rows: int, bytes_a_row: int = BYTES_A_ROW) -> int:
    """Say in how many parts so many rows are grouped, so that one takes no more than a warehouse of bounded memory has.

    One, where the memory is DuckDB's to choose.
    """
    most = most_megabytes() * 1_000_000
    return max(1, math.ceil(rows * bytes_a_row / most)) if most else 1


def write_by_parts(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    query: str,
    parts: int,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Make or replace a temporary table of a query that is asked once for each part.

    The query reads the rows of which some number leaves `$part` when divided by `$parts`. Both texts are our own.
    """
    for part in range(parts):
        into = f"INSERT INTO {table}" if part else f"CREATE OR REPLACE TEMP TABLE {table} AS"
        connection.execute(f"{into} {query}", {"part": part, "parts": parts, **(parameters or {})})


def count_rows(connection: "duckdb.DuckDBPyConnection", table: str) -> int:
    """Count the rows of a table, whose name is our own."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608
