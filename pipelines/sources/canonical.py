"""Reads files that already have a canonical table's own columns: our exports, or what a company made to fit.

A parquet file has types, so its rows are staged as a view of it: no text is made of them, and nothing of the file is held.
"""

import re
from collections.abc import Mapping as Types
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract, load_contract
from data_contracts.errors import InputError
from data_contracts.sql import Sql, joined, name, sql
from pipelines.landing.staging import RECEIVED, staged_columns
from pipelines.sources.mapping import SOURCE_NAME

VERSION = "canonical-1"  # of what is done with the values, as a mapping's hash
MOST_SOURCES = 20
# types that fit into ours without loss; of all others the text has to look like ours
WIDER = {
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"},
    "INTEGER": {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"},
}
WHOLE = {"BIGINT", "INTEGER"}
FRACTIONAL = ("DOUBLE", "FLOAT", "DECIMAL")


def canonical_sources(path: Path, table: str) -> tuple[str, ...]:
    """Name the sources whose rows a canonical file holds.

    Raises InputError where it lacks columns that the table needs, or holds rows of no source or of very many.
    """
    contract = load_contract(table)
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        _refuse_other_shape(path, contract, file_types(connection, path))
        found = connection.execute(
            "SELECT DISTINCT CAST(source AS VARCHAR) AS source FROM read_parquet(?) ORDER BY source LIMIT ?",
            [str(path), MOST_SOURCES + 2],
        ).fetchall()
    sources = tuple(source for (source,) in found if source and re.fullmatch(SOURCE_NAME, source))
    if not sources or len(sources) > MOST_SOURCES:
        raise InputError(
            f"The column source of {path} names {'no' if not sources else f'more than {MOST_SOURCES}'} systems.",
            "It should name where each record comes from, as in shopify or my_shop.",
        )
    return sources


def stage_canonical(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, source: str, sources: tuple[str, ...]
) -> None:
    """Make `staged` a view of a canonical file: the rows of one of its sources.

    Rows that name no source that we could land are among those of the first, and will be set aside.
    """
    contract = load_contract(table)
    types = file_types(connection, path)
    columns = joined(
        ", ",
        (
            sql("{} AS {}", _column(column, contract.column(column).type, types), name(column))
            for column in staged_columns(contract)
        ),
    )
    others = [each for each in sources if each != source]
    mine = Sql("TRUE")
    if others:
        mine = sql("source = {}", _literal(source))
        if source == sources[0]:
            mine = sql("(source IS NULL OR source NOT IN ({}))", joined(", ", map(_literal, others)))
    statement = sql(
        "CREATE OR REPLACE TEMP VIEW staged AS SELECT file_row_number + 1 AS position, {}"
        " FROM read_parquet({}, file_row_number = true) WHERE {}",
        columns,
        _literal(str(path)),
        mine,
    )
    connection.execute(statement.text)


def file_types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Give the columns of a parquet file and their types. Raises InputError where it is not whole."""
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error:
        raise InputError(
            f"The file {path} is no complete parquet file.", "It may have been cut off: export it again."
        ) from None
    return {row[0]: row[1] for row in described}


def _refuse_other_shape(path: Path, contract: Contract, types: Types[str, str]) -> None:
    missing = [
        column.name
        for column in contract.columns
        if column.required and column.name not in {*types, RECEIVED}
    ]
    if missing:
        raise InputError(
            f"The file {path} has no column {', '.join(missing)}, which {contract.name} needs.",
            f"It has {', '.join(list(types)[:12])}{' ...' if len(types) > 12 else ''}."
            " Add --map with the mapping that reads it.",
        )


def _column(column: str, kind: str, types: Types[str, str]) -> Sql:
    """Read a column of the file in the type of the contract where it fits, else as text; empty text is missing."""
    if column not in types:
        return _packed(types) if column == "raw_record" else Sql("CAST(NULL AS VARCHAR)")
    held, own = types[column], name(column)
    if held == "VARCHAR":
        return sql("nullif({}, '')", own)
    if held in WIDER.get(kind, {}):
        utc = sql("({} AT TIME ZONE 'UTC')", own) if held.endswith("ZONE") else own
        return sql("CAST({} AS {})", utc, Sql(kind))
    if held == kind == "DOUBLE":
        return sql("CASE WHEN NOT isnan({}) THEN {} END", own, own)
    if kind in WHOLE and held.startswith(FRACTIONAL):
        return _whole_number(own)
    return own if held == kind else sql("CAST({} AS VARCHAR)", own)


def _whole_number(column: Sql) -> Sql:
    """Read 7.0 as 7: whole numbers of which some are missing leave pandas as floats. Others stay, and will be set aside."""
    as_float = sql("CAST({} AS DOUBLE)", column)
    whole = sql("{} = trunc({}) AND abs({}) < 1e15", as_float, as_float, as_float)
    return sql(
        "CASE WHEN isnan({}) THEN NULL WHEN {} THEN CAST(CAST({} AS BIGINT) AS VARCHAR) ELSE CAST({} AS VARCHAR) END",
        as_float,
        whole,
        as_float,
        column,
    )


def _packed(types: Types[str, str]) -> Sql:
    """Keep the record as it came, where the file does not bring the vendor's own."""
    packed = joined(", ", (sql("{} := {}", name(column), name(column)) for column in types))
    return sql("CAST(to_json(struct_pack({})) AS VARCHAR)", packed)


def _literal(text: str) -> Sql:
    """Write a text into a statement: a view takes no parameters."""
    return Sql("'" + text.replace("'", "''") + "'")
