"""Files become the DuckDB table `records`: the vendor's columns, `rapport_position` and `rapport_record` (JSON text).

Columns of a CSV or JSON file are text; those of a parquet file keep their types.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.errors import InputError
from data_contracts.sentences import counted
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.durable import telling_of_full_disk
from pipelines.landing.staging import text_array
from pipelines.sources.csv_text import OURS, QUOTE, SPACES, check_text, plain_text, read_header
from pipelines.sources.documents import Record

POSITION = "rapport_position"
RECORD = "rapport_record"
CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet",)
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES + JSON_SUFFIXES
KINDS = {**dict.fromkeys(CSV_SUFFIXES, "csv"), **dict.fromkeys(PARQUET_SUFFIXES, "parquet")}
KINDS |= dict.fromkeys(JSON_SUFFIXES, "json")
BATCH = 20_000
_FIRST_RECORDS = (
    "CREATE OR REPLACE TEMP TABLE records AS SELECT *, row_number() OVER () AS rapport_position FROM incoming"
)
_MORE_RECORDS = (
    "INSERT INTO records SELECT *, row_number() OVER () + (SELECT max(rapport_position) FROM records)"
    " FROM incoming"
)


def load_csv(  # noqa: PLR0913 - each is one way in which such a file may be written
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    encoding: str = "utf-8",
    delimiter: str = "",
    names: Sequence[str] = (),
    *,
    quote: str = QUOTE,
) -> dict[str, str]:
    """Load a CSV file; gives its columns, all of them VARCHAR. `names` are those of a file without a header.

    Without a `quote`, quotation marks are signs like others, as in text that people typed between tabs.

    Raises InputError where the file is not whole.
    """
    with plain_text(path, check_text(path, encoding), delimiter, quote) as text:
        header, sign = read_header(text, "\t" if delimiter == SPACES else delimiter, quote)
        if names and len(names) != len(header):
            raise InputError(
                f"The file {path} has {counted(len(header), 'column')}, and the mapping names {len(names)}.",
                "Name each column once, from left to right.",
            )
        _read_csv(connection, path, text, list(names) or header, sign, quote=quote, named=not names)
    return dict.fromkeys(names or header, "VARCHAR")


def load_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Load a parquet file; gives its columns and their types."""
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        types = {row[0]: row[1] for row in described if row[0].casefold() not in OURS}
        with telling_of_full_disk(path.name):
            _create(connection, types, sql("read_parquet({})", value(str(path))))
    except duckdb.Error:
        raise InputError(
            f"The file {path} is no complete parquet file.", "It may have been cut off: export it again."
        ) from None
    return types


def load_records(
    connection: duckdb.DuckDBPyConnection, records: Iterable[Record], columns: Sequence[str]
) -> dict[str, str]:
    """Load records that Python reads, piece by piece."""
    first = True
    for batch in _batches(records):
        values = {column: [record.get(column) for record in batch] for column in columns}
        values[RECORD] = [json.dumps(record.fields, ensure_ascii=False) for record in batch]
        table = pa.table({column: text_array(items) for column, items in values.items()})
        connection.register("incoming", table)
        connection.execute(_FIRST_RECORDS if first else _MORE_RECORDS)
        connection.unregister("incoming")
        first = False
    return dict.fromkeys(columns, "VARCHAR")


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Give the records in pieces, so that those of a long file never lie in memory together; one piece at least."""
    rest = iter(records)
    yield list(islice(rest, BATCH))
    while batch := list(islice(rest, BATCH)):
        yield batch


def _read_csv(  # noqa: PLR0913 - the file, what it is called, and how it is written
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    text: Path,
    header: Sequence[str],
    sign: str,
    *,
    quote: str,
    named: bool,
) -> None:
    reader = sql(
        "read_csv({}, columns = {}, delim = {}, header = {}, auto_detect = false, quote = {}, escape = {},"
        " strict_mode = true, null_padding = false, max_line_size = 16777216)",
        value(str(text)),
        value(dict.fromkeys(header, "VARCHAR")),
        value(sign),
        value(named),
        value(quote),
        value(quote),
    )
    try:
        with telling_of_full_disk(path.name):
            _create(connection, header, reader)
    except duckdb.Error as error:
        line = _line_of(str(error))
        raise InputError(
            f"The file {path} is no regular CSV{line}: it should have {counted(len(header), 'column')} on every line.",
            "It may have been cut off, or has an open quotation mark: export it again. Where quotation marks are part"
            " of the text, say so in the mapping file (format: {quote: none}).",
        ) from None


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


def _line_of(message: str) -> str:
    _, found, rest = message.partition("Line: ")
    return f" at line {rest.split()[0]}" if found and rest.split() else ""


def kind_of(path: Path) -> str:
    """Tell by its ending whether a file is csv, parquet or json."""
    return KINDS.get(path.suffix.lower(), "csv")
