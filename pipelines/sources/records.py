"""Files become the DuckDB table `records`: the vendor's columns, `rapport_position` and `rapport_record` (JSON text).

Columns of a CSV or JSON file are text; those of a parquet file keep their types.
"""

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.errors import InputError
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.sources.documents import Record

POSITION = "rapport_position"
RECORD = "rapport_record"
CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet",)
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES + JSON_SUFFIXES
DELIMITERS = ",;\t|"
CHUNK = 1 << 20


def load_csv(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str = "utf-8", delimiter: str = ""
) -> dict[str, str]:
    """Load a CSV file; gives its columns, all of them VARCHAR. Raises InputError where the file is not whole."""
    check_text(path, encoding)
    header, sign = _header(path, encoding, delimiter)
    if codecs.lookup(encoding).name != "utf-8":
        return _load_recoded(connection, path, encoding, header, sign)
    _read_csv(connection, path, header, sign)
    return dict.fromkeys(header, "VARCHAR")


def load_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Load a parquet file; gives its columns and their types."""
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        types = {row[0]: row[1] for row in described}
        _create(connection, types, sql("read_parquet({})", value(str(path))))
    except duckdb.Error:
        raise InputError(
            f"The file {path} is no complete parquet file.", "It may have been cut off: export it again."
        ) from None
    return types


def load_records(
    connection: duckdb.DuckDBPyConnection, records: Iterable[Record], columns: Sequence[str]
) -> dict[str, str]:
    """Load records that Python holds."""
    values: dict[str, list[str | None]] = {column: [] for column in (*columns, RECORD)}
    for record in records:
        for column in columns:
            values[column].append(record.get(column))
        values[RECORD].append(json.dumps(record.fields, ensure_ascii=False))
    table = pa.table({column: pa.array(items, pa.string()) for column, items in values.items()})
    connection.register("incoming", table)
    create = sql(
        "CREATE OR REPLACE TEMP TABLE records AS SELECT *, row_number() OVER () AS {} FROM incoming",
        name(POSITION),
    )
    connection.execute(create.text)
    connection.unregister("incoming")
    return dict.fromkeys(columns, "VARCHAR")


def check_text(path: Path, encoding: str) -> None:
    """Refuse what is no text in the stated encoding, and a text that does not end with a line break.

    About half of the CSV files that are cut at a random place read without an error (measured 2026-11-21), so the final
    line break is what tells a whole file.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    last, done = "", 0
    for chunk in _chunks(path):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise InputError(
                f"The file {path} is not {encoding} text: byte {done + error.start + 1} does not fit.",
                "State its encoding in the mapping file (format: {encoding: cp1252}), or export it as UTF-8.",
            ) from None
        if "\x00" in text:
            raise InputError(
                f"The file {path} is no text: it holds zero bytes.", "Is it another kind of file?"
            )
        last, done = text[-1:] or last, done + len(chunk)
    if last not in {"\n", "\r"}:
        raise InputError(
            f"The file {path} does not end with a line break, so its last row may be cut off.",
            "Export it again, or add the line break if you know that it is complete.",
        )


def _header(path: Path, encoding: str, delimiter: str) -> tuple[list[str], str]:
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
        first = file.readline()
        sign = delimiter or max(DELIMITERS, key=first.count)
        file.seek(0)
        header = [cell.strip() for cell in next(csv.reader(file, delimiter=sign), [])]
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice or "" in header:
        what = f"the column {twice[0]!r} twice" if twice and twice[0] else "a column without a name"
        raise InputError(
            f"The first line of {path} has {what}.", "The first line has to name each column once."
        )
    return header, sign


def _read_csv(connection: duckdb.DuckDBPyConnection, path: Path, header: Sequence[str], sign: str) -> None:
    reader = sql(
        "read_csv({}, columns = {}, delim = {}, header = true, auto_detect = false, quote = '\"', escape = '\"',"
        " strict_mode = true, null_padding = false, max_line_size = 16777216)",
        value(str(path)),
        value(dict.fromkeys(header, "VARCHAR")),
        value(sign),
    )
    try:
        _create(connection, header, reader)
    except duckdb.Error as error:
        line = _line_of(str(error))
        raise InputError(
            f"The file {path} is no regular CSV{line}: it should have {len(header)} columns on every line.",
            "It may have been cut off, or has an open quotation mark: export it again.",
        ) from None


def _load_recoded(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, header: Sequence[str], sign: str
) -> dict[str, str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        recoded = Path(folder) / "recoded.csv"
        with (
            path.open(encoding=encoding, newline="") as source,
            recoded.open("w", encoding="utf-8", newline="") as target,
        ):
            while text := source.read(CHUNK):
                target.write(text)
        _read_csv(connection, recoded, header, sign)
    return dict.fromkeys(header, "VARCHAR")


def _create(connection: duckdb.DuckDBPyConnection, columns: Iterable[str], reader: Sql) -> None:
    """Make `records` from a reader such as read_parquet(?): its columns, their order, and each row as JSON."""
    names = [name(column) for column in columns]
    packed = joined(", ", (sql("{} := {}", column, column) for column in names))
    create = sql(
        "CREATE OR REPLACE TEMP TABLE records AS SELECT {}, row_number() OVER () AS {},"
        " CAST(to_json(struct_pack({})) AS VARCHAR) AS {} FROM {}",
        joined(", ", names),
        name(POSITION),
        packed,
        name(RECORD),
        reader,
    )
    connection.execute(create.text, create.bound)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _line_of(message: str) -> str:
    _, found, rest = message.partition("Line: ")
    return f" at line {rest.split()[0]}" if found and rest.split() else ""
