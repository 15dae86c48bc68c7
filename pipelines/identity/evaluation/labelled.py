"""Anyone's labelled records: a file of records, and a file that says which person each one is of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import InputError

if TYPE_CHECKING:
    import duckdb

RECORD_COLUMNS = {
    "source": "VARCHAR",
    "source_record_id": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "email": "VARCHAR",
    "phone": "VARCHAR",
    "device_id": "VARCHAR",
    "external_id": "VARCHAR",
    "handle": "VARCHAR",
    "given_name": "VARCHAR",
    "family_name": "VARCHAR",
    "birth_date": "DATE",
    "street": "VARCHAR",
    "city": "VARCHAR",
    "postcode": "VARCHAR",
    "country": "VARCHAR",
}
NAMING_COLUMNS = ("source", "source_record_id")
TRUTH_COLUMNS = {"source": "VARCHAR", "source_record_id": "VARCHAR", "person_id": "VARCHAR"}


def load_records(connection: "duckdb.DuckDBPyConnection", path: Path, table: str) -> int:
    """Load a CSV or parquet of identity records into a temporary table; columns that are missing are NULL.

    Times and dates that cannot be read as such are NULL too: they break ties, they do not identify. Gives
    the number of records. Raises InputError when the file is not there, is of another shape, or names a
    record twice.
    """
    return _load(connection, path, table, RECORD_COLUMNS, NAMING_COLUMNS)


def load_truth(connection: "duckdb.DuckDBPyConnection", path: Path, table: str) -> int:
    """Load a CSV or parquet with source, source_record_id and person_id into a temporary table."""
    return _load(connection, path, table, TRUTH_COLUMNS, tuple(TRUTH_COLUMNS))


def _load(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    table: str,
    columns: dict[str, str],
    required: tuple[str, ...],
) -> int:
    reader = (
        "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    )
    present = _columns(connection, path, reader)
    missing = [name for name in required if name not in present]
    if missing:
        rest = "" if len(required) == len(columns) else f"; all but {', '.join(required)} may be left out"
        raise InputError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(present)}.",
            f"Name its columns {', '.join(columns)}{rest}.",
        )
    chosen = ", ".join(
        f"try_cast({name} AS {kind}) AS {name}" if name in present else f"NULL::{kind} AS {name}"
        for name, kind in columns.items()
    )
    # the names are ours, and a statement cannot bind them
    query = f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {chosen} FROM {reader}"  # noqa: S608
    with _readable(path):
        connection.execute(query, [str(path)])
    return _checked(connection, path, table, required)


def _columns(connection: "duckdb.DuckDBPyConnection", path: Path, reader: str) -> list[str]:
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    if not path.stat().st_size:
        raise InputError(f"{path} is empty.", "Give a file with a header and at least one row.")
    with _readable(path):
        rows = connection.execute(f"DESCRIBE FROM {reader}", [str(path)]).fetchall()
    return [str(row[0]) for row in rows]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of a file that DuckDB cannot read so much and no more: its own words may quote rows."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
        raise InputError(f"{path} cannot be read as CSV or parquet ({kind}).", "Check the file.") from None


def _checked(
    connection: "duckdb.DuckDBPyConnection", path: Path, table: str, required: tuple[str, ...]
) -> int:
    """Count the rows; refuse none at all, rows that lack a required value, and a record that stands twice."""
    rows = connection.execute("SELECT count(*) FROM query_table(?)", [table]).fetchall()[0][0]
    if not rows:
        raise InputError(f"{path} has no rows.", "Give a file with a header and at least one row.")
    counted = ", ".join(f"count(*) - count(nullif(trim({name}), ''))" for name in required)
    lacking = connection.execute(f"SELECT {counted} FROM {table}").fetchall()[0]  # noqa: S608 - our own names
    for name, empty in zip(required, lacking, strict=True):
        if empty:
            raise InputError(
                f"{path} has {empty} of {rows} rows without a {name}.", f"Give each row its {name}."
            )
    twice = connection.execute(
        "SELECT source, source_record_id, count(*) FROM query_table(?)"
        " GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL",
        [table],
    ).fetchall()
    if twice:
        source, record, times = twice[0]
        raise InputError(
            f"{path} names {len(twice)} of its records more than once; {source}/{record} stands there"
            f" {times} times.",
            "Give each row a source and a source_record_id that no other row has.",
        )
    return int(rows)
