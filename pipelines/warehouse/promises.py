"""Whether a table of the warehouse keeps its contract: columns, types, row rules and set rules, in SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb

from data_contracts.model import Contract, SetRule
from data_contracts.rules import predicate
from data_contracts.sql import Sql, joined, name, sql, value
from pipelines.warehouse.connection import has_table
from pipelines.warehouse.records import ContractState, FailedRule


def judge_table(
    connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract, checked_at: datetime
) -> ContractState:
    """Judge a table of the warehouse by its contract; `checked_at` is naive UTC.

    Red where a column or type differs or a critical rule is broken, amber where only warnings are.
    """
    failed = _shape(connection, schema, contract)
    rows = 0
    if not failed:
        rows, failed = _rules(connection, schema, contract, checked_at)
    critical = any(rule.severity == "critical" for rule in failed)
    state = "red" if critical else "amber" if failed else "green"
    return ContractState(contract.name, state, rows, 0, tuple(failed), checked_at)


def _shape(connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract) -> list[FailedRule]:
    if not has_table(connection, schema, contract.name):
        return [FailedRule("table_exists", 1, "critical")]
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?",
        [schema, contract.name],
    ).fetchall()
    types = dict(found)
    wrong = [column for column, kind in contract.duckdb_columns().items() if types.get(column) != kind]
    extra = sorted(types.keys() - contract.duckdb_columns().keys())
    rules = [(f"column_{column}_as_promised", "critical") for column in wrong]
    rules += [(f"column_{column}_not_in_contract", "critical") for column in extra]
    return [FailedRule(rule, 1, severity) for rule, severity in rules]


def _rules(
    connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract, now: datetime
) -> tuple[int, list[FailedRule]]:
    types = contract.duckdb_columns()
    rules = contract.row_rules
    broken = [sql("count(*) FILTER (NOT {})", predicate(rule, types)) for rule in rules]
    query = sql("SELECT {} FROM {}", joined(", ", [Sql("count(*)"), *broken]), _table(schema, contract.name))
    rows, *counts = connection.execute(query.text, query.bound).fetchall()[0]
    failed = [
        FailedRule(rule.name, int(count), rule.severity)
        for rule, count in zip(rules, counts, strict=True)
        if count
    ]
    return int(rows), failed + _set_rules(connection, schema, contract, now)


def _set_rules(
    connection: duckdb.DuckDBPyConnection, schema: str, contract: Contract, now: datetime
) -> list[FailedRule]:
    counted = [
        (rule, _count(connection, _set_query(schema, contract, rule, now))) for rule in contract.set_rules
    ]
    return [FailedRule(rule.name, count, rule.severity) for rule, count in counted if count]


def _set_query(schema: str, contract: Contract, rule: SetRule, now: datetime) -> Sql:
    table = _table(schema, contract.name)
    if rule.check == "volume":
        return sql("SELECT CASE WHEN count(*) > {} THEN 0 ELSE 1 END FROM {}", value(rule.minimum), table)
    if rule.check == "freshness":
        oldest = value(now - timedelta(hours=rule.hours))
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
