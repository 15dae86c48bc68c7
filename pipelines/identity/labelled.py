"""Anyone's labelled records: a file of records, and a file that says which person each one is of."""

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
    """Load a CSV or parquet of identity records into a new table; columns that are missing are NULL.

    Times and dates that cannot be read as such are NULL too: they break ties, they do not identify. Gives
    the number of records. Raises InputError when the file is not there, is of another shape, or names a
    record twice.
    """
    return _load(connection, path, table, RECORD_COLUMNS, NAMING_COLUMNS)


def load_truth(connection: "duckdb.DuckDBPyConnection", path: Path, table: str) -> int:
    """Load a CSV or parquet with source, source_record_id and person_id into a new table."""
    return _load(connection, path, table, TRUTH_COLUMNS, tuple(TRUTH_COLUMNS))


def _load(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    table: str,
    columns: dict[str, str],
    required: tuple[str, ...],
) -> int:
    relation = _read(connection, path)
    missing = [name for name in required if name not in relation.columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(relation.columns)}.",
            f"Name its columns {', '.join(columns)}; all but {', '.join(required)} may be left out.",
        )
    chosen = [
        f"try_cast({name} AS {kind}) AS {name}" if name in relation.columns else f"NULL::{kind} AS {name}"
        for name, kind in columns.items()
    ]
    relation.project(", ".join(chosen)).create(table)
    return _checked(connection, path, table)


def _read(connection: "duckdb.DuckDBPyConnection", path: Path) -> "duckdb.DuckDBPyRelation":
    import duckdb

    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    try:
        if path.suffix == ".parquet":
            return connection.read_parquet(str(path))
        return connection.read_csv(str(path), header=True, all_varchar=True)
    except duckdb.Error as error:
        kind = type(error).__name__  # its text may quote rows
        raise InputError(f"{path} cannot be read as CSV or parquet ({kind}).", "Check the file.") from None


def _checked(connection: "duckdb.DuckDBPyConnection", path: Path, table: str) -> int:
    rows, named, names = connection.execute(
        "SELECT count(*), count(source || source_record_id), count(DISTINCT (source, source_record_id))"
        " FROM query_table(?)",
        [table],
    ).fetchall()[0]
    if not rows:
        raise InputError(f"{path} has no rows.", "Give a file with a header and at least one row.")
    if named != rows or names != rows:
        raise InputError(
            f"{path} has {rows} rows but names {names} records.",
            "Give each row a source and a source_record_id that no other row has.",
        )
    return int(rows)
