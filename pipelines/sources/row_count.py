"""The number of records that a sender says a file holds: the surest sign that it came whole."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from data_contracts.errors import InputError
from data_contracts.sentences import counted


def refuse_other_count(
    path: Path, expected: int | None, connections: Sequence[duckdb.DuckDBPyConnection]
) -> None:
    """Refuse a file that holds another number of records than `expected`; None expects nothing.

    Each connection holds what one mapping read of the file; counted is the table `records`, before a mapping leaves any out.
    """
    if expected is None or not connections:
        return
    found = max(map(_count, connections))
    if found != expected:
        raise InputError(
            f"The file {path} holds {counted(found, 'record')} where {expected:,} were announced.",
            "Export it again, or leave --rows away if the number was wrong.",
        )


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    table = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'records'"
    ).fetchall()[0][0]
    counted = "SELECT count(*) FROM records" if table else "SELECT count(*) FROM staged"
    return int(connection.execute(counted).fetchall()[0][0])
