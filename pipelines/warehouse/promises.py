"""Whether a table of the warehouse keeps its contract: columns, types, row rules and set rules, in SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb

from data_contracts.model import Contract, SetRule
from data_contracts.rules import predicate
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.landing.results import Count, RuleResult, own_result, rule_result
from pipelines.warehouse.connection import has_table
from pipelines.warehouse.records import ContractState


def judge_table(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    contract: Contract,
    checked_at: datetime,
    as_of: datetime | None = None,
) -> ContractState:
    """Judge a table of the warehouse by its contract; times are naive UTC, `as_of` is when rows have to be fresh.

    Red where a column or type differs or a critical rule is broken, amber where only warnings are.
    """
    wrong = _shape(connection, schema, contract)
    rows, found = (0, wrong) if wrong else _rules(connection, schema, contract, as_of or checked_at)
    return ContractState(contract.name, rows, 0, tuple(found), checked_at, rows)


def _shape(connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract) -> list[RuleResult]:
    """Say what differs from the promised columns; nothing where all is as promised."""
    if not has_table(connection, schema, contract.name):
        return [own_result("table_exists", "The table was built.", contract.owner, Count(1, 1))]
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?",
        [schema, contract.name],
    ).fetchall()
    types = dict(found)
    wrong = [column for column, kind in contract.duckdb_columns().items() if types.get(column) != kind]
    extra = sorted(types.keys() - contract.duckdb_columns().keys())
    rules = [
        (f"column_{column}_as_promised", f"The column {column} is there, with its type.") for column in wrong
    ]
    rules += [
        (f"column_{column}_not_in_contract", f"The column {column} stands in the contract.")
        for column in extra
    ]
    return [own_result(rule, sentence, contract.owner, Count(1, 1)) for rule, sentence in rules]


def _rules(
    connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract, as_of: datetime
) -> tuple[int, list[RuleResult]]:
    types = contract.duckdb_columns()
    rules = contract.row_rules
    broken = [sql("count(*) FILTER (NOT {})", predicate(rule, types)) for rule in rules]
    query = sql("SELECT {} FROM {}", joined(", ", [Sql("count(*)"), *broken]), _table(schema, contract.name))
    rows, *counts = connection.execute(query.text, query.bound).fetchall()[0]
    found = [
        rule_result(rule, Count(int(rows), int(count))) for rule, count in zip(rules, counts, strict=True)
    ]
    for rule in contract.set_rules:
        failed = _count(connection, _set_query(schema, contract, rule, as_of))
        checked = 1 if rule.check in {"volume", "freshness"} else int(rows)
        found.append(rule_result(rule, Count(checked, failed)))
    return int(rows), found


def _set_query(schema: str, contract: Contract, rule: SetRule, as_of: datetime) -> Sql:
    table = _table(schema, contract.name)
    if rule.check == "volume":
        return sql("SELECT CASE WHEN count(*) > {} THEN 0 ELSE 1 END FROM {}", value(rule.minimum), table)
    if rule.check == "freshness":
        oldest = value(as_of - timedelta(hours=rule.hours))
        return sql(
            "SELECT count(*) FROM (SELECT max({}) AS newest FROM {}) WHERE newest < {}",
            name(rule.columns[0]),
            table,
            oldest,
        )
    columns = _names(rule.columns)
    if rule.check == "unique":
        return sql("SELECT count(*) - count(DISTINCT row({})) FROM {}", columns, table)
    there = sql("SELECT {} FROM {}", _names(rule.to), _table(schema, rule.table))
    present = joined(" AND ", (sql("{} IS NOT NULL", name(column)) for column in rule.columns))
    return sql("SELECT count(*) FROM {} WHERE {} AND ({}) NOT IN ({})", table, present, columns, there)


def _count(connection: duckdb.DuckDBPyConnection, query: Sql) -> int:
    return int(connection.execute(query.text, query.bound).fetchall()[0][0])


def _names(columns: Sequence[str]) -> Sql:
    return joined(", ", map(name, columns))


def _table(schema: str, table: str) -> Sql:
    return sql("{}.{}", name(schema), name(table))
