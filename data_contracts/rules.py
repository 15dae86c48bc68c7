"""A row rule in two forms: a SQL predicate for every row, and a Great Expectations expectation for the batch.

tests/data_contracts/test_rules.py holds the two equal on random data. What makes them so:
- a value that is missing passes every check but `present`; NaN counts as missing (pandas knows no difference);
- a pattern has to match the whole text, in a dialect that RE2 and Python's `re` read alike (`odcs.py` refuses others);
- characters are code points in both.
"""

from datetime import date, datetime
from typing import Any

from data_contracts.model import Bound, Condition, Contract, Rule
from data_contracts.sql import Sql, joined, name, sql, value

Types = dict[str, str]


def predicate(rule: Rule, types: Types) -> Sql:
    """Compile a rule to SQL that is TRUE for a row that keeps it and FALSE for one that breaks it, never NULL.

    `types` gives the DuckDB type of each column. A `type` rule holds by construction on typed columns.
    """
    held = _held(rule, types)
    if not rule.where:
        return held
    applies = joined(" AND ", (_applies(condition, types) for condition in rule.where))
    return sql("(NOT ({}) OR {})", applies, held)


def expectation(rule: Rule, contract: Contract) -> dict[str, Any] | None:
    """Compile a rule to an expectation as plain data: `type`, `kwargs`, `severity` and `meta`.

    Great Expectations knows no slack: such a rule speaks of a column that `meta` says how to make (`later`: that column, and
    by how many hours). None for a `type` rule: a typed frame cannot break it.
    """
    types = contract.duckdb_columns()
    form = _expectation(rule, types)
    if form is None:
        return None
    kind, options = form
    if rule.where:
        options["row_condition"] = _row_condition(rule.where)
    meta: dict[str, Any] = {"rule": rule.name}
    if rule.slack_hours:
        column, later = rule.columns[0], f"{rule.columns[0]} and {rule.slack_hours} hours"
        options["column_A"], meta["later"] = later, {"column": column, "hours": rule.slack_hours}
    return {"type": kind, "kwargs": options, "severity": rule.severity, "meta": meta}


def _held(rule: Rule, types: Types) -> Sql:
    if rule.check == "type":
        return Sql("TRUE")
    item = _known(rule.columns[0], types)
    if rule.check == "present":
        return sql("({} IS NOT NULL)", item)
    return sql("coalesce({}, TRUE)", _check(rule, item, types))  # what is missing passes


def _check(rule: Rule, item: Sql, types: Types) -> Sql:
    if rule.check == "values":
        return sql("{} IN ({})", item, joined(", ", map(value, rule.values)))
    if rule.check == "pattern":
        return sql("regexp_full_match({}, {})", item, value(rule.pattern))
    if rule.check == "length":
        return _between(sql("length({})", item), rule.minimum, rule.maximum, "BIGINT")
    if rule.check == "range":
        return _between(item, rule.minimum, rule.maximum, types[rule.columns[0]])
    if rule.slack_hours:
        item = sql("{} + to_hours({})", item, value(rule.slack_hours))
    return sql("{} >= {}", item, _known(rule.columns[1], types))


def _known(column: str, types: Types) -> Sql:
    """Give a column with NaN read as missing."""
    if types[column] == "DOUBLE":
        return sql("CASE WHEN isnan({}) THEN NULL ELSE {} END", name(column), name(column))
    return name(column)


def _between(item: Sql, low: Bound | None, high: Bound | None, kind: str) -> Sql:
    checks = []
    if low is not None:
        checks.append(sql("{} >= {}", item, value(typed_bound(low, kind))))
    if high is not None:
        checks.append(sql("{} <= {}", item, value(typed_bound(high, kind))))
    return sql("({})", joined(" AND ", checks))


def _applies(condition: Condition, types: Types) -> Sql:
    item = _known(condition.column, types)
    if condition.state == "missing":
        return sql("({} IS NULL)", item)
    if condition.state == "present":
        return sql("({} IS NOT NULL)", item)
    return sql("coalesce({} IN ({}), FALSE)", item, joined(", ", map(value, condition.values)))


def _expectation(rule: Rule, types: Types) -> tuple[str, dict[str, Any]] | None:
    column = rule.columns[0]
    if rule.check == "present":
        return "expect_column_values_to_not_be_null", {"column": column}
    if rule.check == "values":
        return "expect_column_values_to_be_in_set", {"column": column, "value_set": list(rule.values)}
    if rule.check == "pattern":
        # Great Expectations searches; \Z, because `$` would also match before a final line break
        return "expect_column_values_to_match_regex", {"column": column, "regex": rf"\A(?:{rule.pattern})\Z"}
    if rule.check == "order":
        options = {"column_A": column, "column_B": rule.columns[1], "or_equal": True}
        return "expect_column_pair_values_a_to_be_greater_than_b", options | {
            "ignore_row_if": "either_value_is_missing"
        }
    if rule.check in {"length", "range"}:
        what = "values" if rule.check == "range" else "value_lengths"
        kind = types[column] if rule.check == "range" else "BIGINT"
        bounds = {"min_value": typed_bound(rule.minimum, kind), "max_value": typed_bound(rule.maximum, kind)}
        given = {key: bound for key, bound in bounds.items() if bound is not None}
        return f"expect_column_{what}_to_be_between", {"column": column} | given
    return None


def typed_bound(bound: Bound | None, kind: str) -> int | float | datetime | date | str | None:
    """Read a bound of a contract as the column's type: dates and times stand there as ISO text."""
    if isinstance(bound, str) and kind in {"TIMESTAMP", "DATE"}:
        return datetime.fromisoformat(bound)
    return bound


def _row_condition(where: tuple[Condition, ...]) -> dict[str, Any]:
    conditions = [_row_condition_part(condition) for condition in where]
    return conditions[0] if len(conditions) == 1 else {"type": "and", "conditions": conditions}


def _row_condition_part(condition: Condition) -> dict[str, Any]:
    column = {"name": condition.column}
    if condition.state == "in":
        return {"type": "comparison", "column": column, "operator": "IN", "parameter": list(condition.values)}
    return {"type": "nullity", "column": column, "is_null": condition.state == "missing"}
