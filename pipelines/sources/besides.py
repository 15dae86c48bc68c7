"""Files that lie beside the one that is read, as databases and pipelines export them: orders beside their lines.

A mapping says in `beside`, for each of them under a name of its own: `file` (a pattern such as *order*; of the files that
it fits the one that has the columns counts), `key` (the column that names a row there) and `is` (what it is equal to here,
or in one named before). Columns are then called after it: `order.email`. Where a key may stand on several rows, `newest`
names the column after which the last one counts, or `total` the columns whose decimals are added up; `only` is a condition
that the rows have to meet. A row without a partner stays, with nothing in these columns. `optional: true` is for a file that
not every export has.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Types
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.errors import InputError
from data_contracts.sentences import counted
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.sources.expressions import Compiler, Dialect
from pipelines.sources.readings import decimal
from pipelines.sources.vocabulary import columns_in

OPTIONS = ("file", "key", "is", "only", "newest", "total", "optional")
Load = Callable[[Path], dict[str, str]]


@dataclass(frozen=True)
class Beside:
    """A file beside the one that is read: how it is found, and which of its rows count."""

    name: str
    file: str
    key: str
    match: str
    only: dict[str, Any]
    newest: str
    total: tuple[str, ...]
    optional: bool

    @classmethod
    def of(cls, name: str, given: dict[str, Any]) -> "Beside":
        """Take it from a mapping file."""
        total = given.get("total") or ()
        return cls(
            name=name,
            file=str(given["file"]),
            key=str(given["key"]),
            match=str(given["is"]),
            only=given.get("only") or {},
            newest=str(given.get("newest") or ""),
            total=tuple([total] if isinstance(total, str) else total),
            optional=given.get("optional") == "true",
        )

    def named(self, used: Sequence[str]) -> list[str]:
        """Name the columns that a mapping reads there, as they are called there."""
        prefix = f"{self.name}."
        return [column.removeprefix(prefix) for column in used if column.startswith(prefix)]

    def needed(self, used: Sequence[str]) -> list[str]:
        """Name all the columns that it has to have."""
        others = [*columns_in(self.only), *([self.newest] if self.newest else []), *self.total]
        return list(dict.fromkeys([self.key, *others, *self.named(used)]))


def fitting(
    beside: Beside, used: Sequence[str], files: Sequence[Path], columns_of: Callable[[Path], Sequence[str]]
) -> list[Path]:
    """Find the files that may be meant: those with a name that fits, and of these the ones that have the columns."""
    named = [path for path in files if fnmatch(path.name.lower(), beside.file.lower())]
    return [path for path in named if set(beside.needed(used)) <= set(columns_of(path))]


def the_one(beside: Beside, used: Sequence[str], path: Path, found: Sequence[Path]) -> Path | None:
    """Give the file that lies beside `path`; None for one that is missing and may. Raises InputError for none or several."""
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(each.name for each in found))
        raise InputError(
            f"Beside {path} lie {len(found)} files that may be its {beside.name}: {names}.",
            "Leave one of them there.",
        )
    if beside.optional:
        return None
    columns = ", ".join(beside.needed(used))
    raise InputError(
        f"The file {path} needs a file {beside.file} beside it, with the columns {columns}.",
        "Put both in one folder and name the folder.",
    )


def load_beside(
    connection: duckdb.DuckDBPyConnection, beside: Beside, used: Sequence[str], path: Path | None, load: Load
) -> dict[str, str]:
    """Make the table of a file that lies beside, a row for each key; gives the types of its columns by their full names.

    Raises InputError where a key stands on several rows and the mapping does not say which of them counts.
    """
    columns = beside.named(used)
    if path is None:
        nothing = joined(", ", (sql("CAST(NULL AS VARCHAR) AS {}", name(column)) for column in columns))
        _make(connection, beside, sql("SELECT CAST(NULL AS VARCHAR) AS rapport_key, {} LIMIT 0", nothing))
        return {f"{beside.name}.{column}": "VARCHAR" for column in columns}
    types = load(path)
    _make(connection, beside, _gathered(beside, _keyed(beside, types, beside.needed(used)), columns))
    _refuse_several(connection, beside, path)
    return {f"{beside.name}.{each}": "VARCHAR" if each in beside.total else types[each] for each in columns}


def join_beside(connection: duckdb.DuckDBPyConnection, beside: Beside, used: Sequence[str]) -> None:
    """Give each row of `records` the columns of its partner."""
    taken = (
        sql("partner.{} AS {}", name(column), name(f"{beside.name}.{column}"))
        for column in beside.named(used)
    )
    partners = sql(
        "CREATE OR REPLACE TEMP TABLE records AS SELECT records.*, {} FROM records LEFT JOIN {} AS partner"
        " ON {} = partner.rapport_key",
        joined(", ", taken),
        _table(beside),
        _key(sql("records.{}", name(beside.match))),
    )
    connection.execute(partners.text, partners.bound)


def _keyed(beside: Beside, types: Types[str, str], columns: Sequence[str]) -> Sql:
    """Select the rows that count, each with its key."""
    compiler = Compiler(Dialect(), {column: kind for column, kind in types.items() if kind != "VARCHAR"})
    where = compiler.condition(beside.only) if beside.only else Sql("TRUE")
    key = _key(name(beside.key))
    return sql(
        "SELECT {} AS rapport_key, {} FROM records WHERE {} AND {} IS NOT NULL",
        key,
        joined(", ", map(name, columns)),
        where,
        key,
    )


def _gathered(beside: Beside, rows: Sql, columns: Sequence[str]) -> Sql:
    """Select one row for each key, as far as the mapping says how."""
    picked = joined(", ", map(name, columns))
    if beside.total:
        sums = joined(", ", (sql("{} AS {}", _sum(column), name(column)) for column in beside.total))
        return sql("SELECT rapport_key, {} FROM ({}) GROUP BY rapport_key", sums, rows)
    if not beside.newest:
        return sql("SELECT rapport_key, {} FROM ({})", picked, rows)
    last = sql(
        "row_number() OVER (PARTITION BY rapport_key ORDER BY {} DESC NULLS LAST)", name(beside.newest)
    )
    return sql("SELECT rapport_key, {} FROM ({}) QUALIFY {} = 1", picked, rows, last)


def _sum(column: str) -> Sql:
    """Add up decimals; where one of them cannot be read it is given instead, so that the row is set aside for it."""
    text = sql("nullif(trim(CAST({} AS VARCHAR)), '')", name(column))
    number = decimal(text, ".")
    wrong = sql("any_value({}) FILTER ({} IS NULL)", text, number)
    return sql("coalesce({}, CAST(sum({}) AS VARCHAR))", wrong, number)


def _refuse_several(connection: duckdb.DuckDBPyConnection, beside: Beside, path: Path) -> None:
    several = sql(
        "SELECT count(*) FROM (SELECT rapport_key FROM {} GROUP BY rapport_key HAVING count(*) > 1)",
        _table(beside),
    )
    count = connection.execute(several.text, several.bound).fetchall()[0][0]
    if count:
        raise InputError(
            f"The file {path} has {counted(count, 'value')} of {beside.key} on more than one row, so nobody knows"
            " which counts.",
            f"Export it again, or let the mapping say it (beside: {beside.name}: newest or total).",
        )


def _make(connection: duckdb.DuckDBPyConnection, beside: Beside, rows: Sql) -> None:
    create = sql("CREATE OR REPLACE TEMP TABLE {} AS {}", _table(beside), rows)
    connection.execute(create.text, create.bound)


def _table(beside: Beside) -> Sql:
    return name(f"beside {beside.name}")


def _key(column: Sql) -> Sql:
    return sql("nullif(trim(CAST({} AS VARCHAR), {}), '')", column, value(" \t"))
