"""Where each published column comes from: the landed columns, seeds and tables of our own steps at the end of every way.

What dbt does not make ends a way: a landed table, a seed, or a table that one of our own steps wrote, such as identity.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import duckdb

from data_contracts.contracts import inbound_contracts
from pipelines.contracts.lineage import Field, Lineage, Tables, read_lineage

LANDING, SEEDS = "landing", "staging"
OUTSIDE = (
    "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
)
COLUMNS = (
    "table_name VARCHAR, column_name VARCHAR, model VARCHAR, source VARCHAR, source_table VARCHAR,"
    " source_column VARCHAR, contract VARCHAR"
)


@dataclass(frozen=True, order=True)
class Origin:
    """One thing that a published column is made of; nothing but the model where that one counts rows or sets a word.

    `source` is `landing`, `seeds`, or the step that wrote the table (`identity`, `scoring` ...); `contract` names the
    contract of a landed table and its version.
    """

    table: str
    column: str
    model: str
    source: str | None = None
    source_table: str | None = None
    source_column: str | None = None
    contract: str | None = None

    def __str__(self) -> str:
        return f"{self.source_table}.{self.source_column}"


def trace(manifest: Mapping[str, Any], tables: Tables, published: Iterable[str]) -> list[Origin]:
    """Trace the columns of published models, in order; the manifest's models carry their compiled SQL.

    `tables` gives the columns of what dbt reads and does not make, by `schema.name`.
    """
    lineage = read_lineage(manifest, tables)
    roots = _Roots(lineage)
    contracts = {name: f"{name} {contract.version}" for name, contract in inbound_contracts().items()}
    wanted = {f"marts.{table}" for table in published}
    return sorted(
        (
            origin
            for model in lineage.models
            if model.table in wanted
            for column in model.made_of
            for origin in _origins(Field(model.table, column), model.path, roots, contracts)
        ),
        key=lambda origin: tuple(part or "" for part in astuple(origin)),
    )


def write_lineage(connection: duckdb.DuckDBPyConnection, origins: Iterable[Origin]) -> None:
    """Replace warehouse.lineage: one row for each thing that a published column is made of."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS warehouse")
    connection.execute(f"CREATE OR REPLACE TABLE warehouse.lineage ({COLUMNS})")
    rows = [astuple(origin) for origin in origins]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else []
    if columns:
        marks = ", ".join("unnest(?::VARCHAR[])" for _ in columns)
        connection.execute(f"INSERT INTO warehouse.lineage SELECT {marks}", columns)


def outside_tables(connection: duckdb.DuckDBPyConnection) -> Tables:
    """Give the columns of every table of the warehouse; those that dbt makes are read from their SQL.

    What a build of a part works with is not of the view.
    """
    query = f"{OUTSIDE} WHERE database_name = current_database() AND schema_name NOT IN ('increment', 'slice') GROUP BY 1"
    return dict(connection.execute(query).fetchall())


class _Roots:
    """The ends of all ways that lead to a column, by value; those of one column are looked for once."""

    def __init__(self, lineage: Lineage) -> None:
        self._made = {model.table: model.values for model in lineage.models}
        self._found: dict[Field, frozenset[Field]] = {}

    def of(self, column: Field) -> frozenset[Field]:
        if column.table not in self._made:
            return frozenset({column})
        if column not in self._found:
            self._found[column] = frozenset()
            parts = self._made[column.table].get(column.column, frozenset())
            self._found[column] = frozenset().union(*(self.of(part) for part in parts))
        return self._found[column]


def _origins(column: Field, path: str, roots: _Roots, contracts: Mapping[str, str]) -> Iterator[Origin]:
    table, model = column.table.partition(".")[2], path.rpartition("/")[2].removesuffix(".sql")
    found = [root for root in roots.of(column) if not root.table.startswith(".")]  # a function is no table
    for root in found:
        schema, _, name = root.table.partition(".")
        source = "seeds" if schema == SEEDS else schema
        contract = contracts.get(name) if schema == LANDING else None
        yield Origin(table, column.column, model, source, name, root.column, contract)
    if not found:
        yield Origin(table, column.column, model)
