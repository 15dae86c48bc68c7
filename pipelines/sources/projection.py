"""Turns the table `records` into the staged table, as a mapping says: one SELECT for each kind of row it makes."""

from collections.abc import Mapping as Types

import duckdb

from data_contracts.contracts import load_contract
from data_contracts.errors import ContractError
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.staging import open_stage, staged_columns
from pipelines.sources.expressions import NOTHING, Compiler
from pipelines.sources.mapping import CANONICAL, Also, Mapping
from pipelines.sources.records import POSITION, RECORD, load_records
from pipelines.sources.vocabulary import Expression

SPACES = " \t\r\n\u00a0\u200b\ufeff"
# these stay as they are; every other type is read as text
TYPED = ("TIMESTAMP", "DATE", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "DECIMAL")


def stage_mapping(connection: duckdb.DuckDBPyConnection, mapping: Mapping, types: Types[str, str]) -> None:
    """Make `staged` from `records`, whose columns have `types`."""
    rows = [_rows(mapping, types, None, 0)]
    rows += [_rows(mapping, types, also, number) for number, also in enumerate(mapping.also, start=1)]
    columns = joined(", ", _picked(mapping, staged_columns(load_contract(mapping.table))))
    statement = sql(
        "CREATE OR REPLACE TEMP TABLE staged AS WITH clean AS ({}) SELECT position, {} FROM ({}){}",
        _clean(mapping, types),
        columns,
        joined(" UNION ALL ", rows),
        Sql(" ORDER BY position" if mapping.fill_within or mapping.also else ""),
    )
    connection.execute(statement.text, statement.bound)


def _picked(mapping: Mapping, columns: list[str]) -> list[Sql]:
    """Pick the columns; where a mapping merges, each version of a record takes the last of what they all tell."""
    if not mapping.merge:
        return [name(column) for column in columns]
    versions = Sql(
        "(PARTITION BY coalesce(source_record_id, CAST(position AS VARCHAR)) ORDER BY position"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    )
    return [
        sql("last_value({} IGNORE NULLS) OVER {} AS {}", name(column), versions, name(column))
        for column in columns
    ]


def try_mapping(mapping: Mapping) -> None:
    """Run a mapping over no rows at all, so that a wrong one says so before any file is read. Raises ContractError."""
    try:
        with open_stage() as connection:
            types = load_records(connection, [], mapping.used_columns)
            stage_mapping(connection, mapping.for_company("GBP", "UTC"), types)
    except ContractError as error:
        raise ContractError(f"The mapping {mapping.path} is wrong: {error.message}", error.mend) from error
    except (duckdb.Error, KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"The mapping {mapping.path} has an expression, pattern or format that cannot be used"
        raise ContractError(f"{what} ({_first_line(error)}).", "Mend the file.") from error


def _clean(mapping: Mapping, types: Types[str, str]) -> Sql:
    """Take spaces from around texts, empty ones away, and fill down what only the first row of a group carries."""
    cleaned = sql(
        "SELECT {}, {}, {} FROM records", joined(", ", _trimmed(mapping, types)), name(POSITION), name(RECORD)
    )
    if not mapping.fill_columns:
        return cleaned
    window = sql("(PARTITION BY {} ORDER BY {})", name(mapping.fill_within), name(POSITION))
    filled = (
        sql("last_value({} IGNORE NULLS) OVER {} AS {}", name(column), window, name(column))
        for column in mapping.fill_columns
    )
    return sql("SELECT * REPLACE ({}) FROM ({})", joined(", ", filled), cleaned)


def _trimmed(mapping: Mapping, types: Types[str, str]) -> list[Sql]:
    parts = []
    for column in mapping.used_columns:
        if column not in types:
            parts.append(sql("{} AS {}", NOTHING, name(column)))
        elif types[column].startswith(TYPED):
            parts.append(name(column))
        else:
            text = sql("trim(CAST({} AS VARCHAR), {})", name(column), value(SPACES))
            parts.append(sql("nullif({}, '') AS {}", text, name(column)))
    return parts


def _rows(mapping: Mapping, types: Types[str, str], also: Also | None, number: int) -> Sql:
    """Select the canonical columns of one kind of row, in the order of the file."""
    typed = {column: kind for column, kind in types.items() if kind.startswith(TYPED)}
    compiler = Compiler(mapping.dialect, typed)
    expressions: dict[str, Expression] = mapping.columns | (also.columns if also else {})
    columns = staged_columns(load_contract(mapping.table))
    picked = [
        sql("{} AS {}", _column(compiler, mapping, column, expressions), name(column)) for column in columns
    ]
    conditions = [condition for condition in (mapping.only, also.when if also else {}) if condition]
    where = joined(" AND ", [Sql("TRUE"), *map(compiler.condition, conditions)])
    kept = ", ".join(name(column).text for column in _id_columns(mapping))
    hidden = ", ".join(
        f'{name(column).text} AS "id {index}"' for index, column in enumerate(_id_columns(mapping))
    )
    inner = sql(
        "SELECT {}, {} AS rapport_order{} FROM clean WHERE {}",
        joined(", ", picked),
        name(POSITION),
        Sql(f", {hidden}" if kept else ""),
        where,
    )
    return _identified(mapping, also.record_id if also else mapping.record_id, inner, columns, number)


def _identified(mapping: Mapping, template: str, rows: Sql, columns: list[str], number: int) -> Sql:
    """Give each row its record id; identical rows are told apart by their ordinal."""
    content = [column for column in columns if column not in {"source_record_id", "raw_record"}]
    ids = {column: Sql(f'"id {index}"') for index, column in enumerate(_id_columns(mapping))}
    rows = sql("SELECT *, {} AS rapport_content FROM ({})", _content(content, template), rows)
    groups = (
        [Sql("rapport_content")]
        if "{content}" in template
        else [ids[column] for column in mapping.ordinal_within]
    )
    if "{ordinal}" in template:
        window = sql("(PARTITION BY {} ORDER BY rapport_order)", joined(", ", groups or [Sql("TRUE")]))
        rows = sql("SELECT *, row_number() OVER {} AS rapport_ordinal FROM ({})", window, rows)
    made = {f"{CANONICAL}{column}": name(column) for column in columns}
    extra = (
        ids | made | {"ordinal": Sql("CAST(rapport_ordinal AS VARCHAR)"), "content": Sql("rapport_content")}
    )
    identifier = Compiler(mapping.dialect, {}).template(template, extra)
    others = joined(", ", (name(column) for column in columns if column != "source_record_id"))
    position = Sql(f"rapport_order * {len(mapping.also) + 1} + {number} AS position")
    return sql("SELECT {}, {} AS source_record_id, {} FROM ({})", position, identifier, others, rows)


def _content(columns: list[str], template: str) -> Sql:
    if "{content}" not in template:
        return NOTHING
    parts = (sql("{} || {}", Sql(f"'{column}='"), name(column)) for column in columns)
    return sql("left(sha256(concat_ws(chr(31), {})), 16)", joined(", ", parts))


def _column(compiler: Compiler, mapping: Mapping, column: str, expressions: dict[str, Expression]) -> Sql:
    if column == "source":
        return value(mapping.source)
    if column == "raw_record":
        return name(RECORD)
    if column == "source_record_id" or column not in expressions:
        return NOTHING
    return compiler.text(expressions[column])


def _id_columns(mapping: Mapping) -> list[str]:
    return list(dict.fromkeys([*mapping.record_id_columns, *mapping.ordinal_within]))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
