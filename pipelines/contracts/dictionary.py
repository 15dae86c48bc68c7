"""The data dictionary: every column of every published table in plain words.

The words come from where the column is promised: its contract, else its dbt model, else tables.yaml for what our own steps
write. The types are those of the tables as they stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from data_contracts.contracts import contract_names, published_contract
from data_contracts.errors import BuildError
from data_contracts.model import Column, Rule
from data_contracts.sql import joined, name, sql
from pipelines.contracts.origins import Origin

OWN_TABLES = Path(__file__).with_name("tables.yaml")
VIEW = "customer_360"
HISTORY = "customer_360_history"
PERSONAL = "!"  # at the end of a column in tables.yaml
COLUMNS = (
    "table_name VARCHAR, column_name VARCHAR, position INTEGER, title VARCHAR, type VARCHAR, description VARCHAR,"
    " classification VARCHAR, is_always_given BOOLEAN, allowed_values VARCHAR[], rules VARCHAR[], made_of VARCHAR[],"
    " is_trait BOOLEAN, has_history BOOLEAN, filled DOUBLE"
)


@dataclass(frozen=True)
class Word:
    """What is said of a column wherever that is said; the rules of a contract are sentences."""

    title: str
    description: str
    classification: str
    required: bool = False
    values: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    trait: bool = False
    history: bool = False


@dataclass(frozen=True)
class Entry:
    """One column in the dictionary, as the published table has it; `filled` is a share of customers."""

    table: str
    column: str
    position: int
    title: str
    type: str
    description: str
    classification: str
    is_always_given: bool
    allowed_values: tuple[str, ...]
    rules: tuple[str, ...]
    made_of: tuple[str, ...]
    is_trait: bool
    has_history: bool
    filled: float | None


@dataclass(frozen=True)
class Described:
    """The words of one table: what it is, where that is said, and each column's."""

    description: str
    said_in: Literal["contract", "model", "step"]
    columns: Mapping[str, Word]


def describe(table: str, manifest: Mapping[str, Any]) -> Described:
    """Find the words of a published table. Raises BuildError where nobody says what it is."""
    if table in contract_names("published"):
        contract = published_contract(table)
        return Described(
            contract.purpose, "contract", {column.name: _promised(column) for column in contract.columns}
        )
    if table in _own_tables():
        return _of_step(table)
    node = next((node for node in manifest["nodes"].values() if _is_mart(node, table)), None)
    if node is None:
        raise BuildError(
            f"Nobody says what the published table {table} is.",
            "Describe it and its columns in a model's yml file, or in pipelines/contracts/tables.yaml.",
        )
    words = {
        name: Word(_title(name), str(column["description"]).strip(), _shade(column))
        for name, column in node["columns"].items()
    }
    return Described(" ".join(str(node["description"]).split()), "model", words)


def entries(
    tables: Mapping[str, Mapping[str, str]],
    words: Mapping[str, Described],
    origins: Iterable[Origin],
    filled: Mapping[str, float],
) -> list[Entry]:
    """Put the dictionary together. `tables` gives the columns and types of each published table, in order.

    Raises BuildError naming a column that nobody describes.
    """
    made: dict[tuple[str, str], list[str]] = {}
    for origin in origins:
        if origin.source:
            made.setdefault((origin.table, origin.column), []).append(str(origin))
    found = []
    for table, columns in tables.items():
        for position, (column, kind) in enumerate(columns.items(), start=1):
            word = words[table].columns.get(column)
            if word is None or not word.description:
                raise BuildError(
                    f"Nobody says what the column {column} of the published table {table} is.",
                    "Describe it in the table's contract, its model's yml file or pipelines/contracts/tables.yaml.",
                )
            found.append(
                Entry(
                    table,
                    column,
                    position,
                    word.title,
                    kind,
                    word.description,
                    word.classification,
                    word.required,
                    word.values,
                    word.rules,
                    tuple(made.get((table, column), ())),
                    word.trait,
                    word.history,
                    filled.get(column) if table == VIEW else None,
                )
            )
    return found


def write_dictionary(connection: duckdb.DuckDBPyConnection, found: Sequence[Entry]) -> None:
    """Replace warehouse.data_dictionary."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS warehouse")
    connection.execute(f"CREATE OR REPLACE TABLE warehouse.data_dictionary ({COLUMNS})")
    if not found:
        return
    kinds = [column.split()[1] for column in COLUMNS.split(", ")]
    marks = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)
    columns = zip(*(astuple(entry) for entry in found), strict=True)
    values = [[list(cell) if isinstance(cell, tuple) else cell for cell in column] for column in columns]
    connection.execute(f"INSERT INTO warehouse.data_dictionary SELECT {marks}", values)


def shares_filled(connection: duckdb.DuckDBPyConnection, columns: Iterable[str]) -> dict[str, float]:
    """Count for what share of customers each column is known; nothing where there are no customers."""
    names = list(columns)
    counts = joined(", ", (sql("count({})", name(column)) for column in names))
    rows, *known = connection.execute(
        sql("SELECT count(*), {} FROM marts.customer_360", counts).text
    ).fetchall()[0]
    return {column: count / rows for column, count in zip(names, known, strict=True)} if rows else {}


def _promised(column: Column) -> Word:
    values = next((rule.values for rule in column.rules if rule.check == "values"), ())
    rules = tuple(rule.sentence for rule in column.rules if _is_news(rule))
    return Word(
        column.title,
        column.description,
        column.classification,
        column.required,
        tuple(map(str, values)),
        rules,
        column.trait,
        column.history,
    )


def _is_news(rule: Rule) -> bool:
    """Say whether a rule tells more than the type, the list of values and that the column is always given."""
    return rule.check not in {"type", "present", "values"}


def _of_step(table: str) -> Described:
    about = _own_tables()[table]
    words = {
        column.removesuffix(PERSONAL): Word(
            _title(column.removesuffix(PERSONAL)),
            text,
            "personal" if column.endswith(PERSONAL) else "internal",
        )
        for column, text in about["columns"].items()
    }
    if table == HISTORY:
        words |= {
            column.name: _promised(column) for column in published_contract(VIEW).columns if column.history
        }
    return Described(about["description"], "step", words)


def _is_mart(node: Mapping[str, Any], table: str) -> bool:
    return bool(
        node["resource_type"] == "model"
        and node["schema"] == "marts"
        and table in {node["alias"], node["name"]}
    )


def _shade(column: Mapping[str, Any]) -> str:
    tags = [*(column.get("tags") or ()), *((column.get("config") or {}).get("tags") or ())]
    return "personal" if "personal" in tags else "internal"


def _title(column: str) -> str:
    return column.replace("_", " ").capitalize()


@cache
def _own_tables() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(OWN_TABLES.read_text(encoding="utf-8"))
    return found
