"""A row rule means the same in SQL and in Great Expectations, on every row."""

import os
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.model import Column, Condition, Contract, Rule
from data_contracts.rules import expectation, predicate
from data_contracts.sql import joined, sql

os.environ["GX_ANALYTICS_ENABLED"] = "false"

TYPES = {
    "word": "VARCHAR",
    "kind": "VARCHAR",
    "count": "BIGINT",
    "share": "DOUBLE",
    "sent": "TIMESTAMP",
    "came": "TIMESTAMP",
    "born": "DATE",
    "open": "BOOLEAN",
}
MOMENT = pa.timestamp("us")
ARROW = {
    "word": pa.string(), "kind": pa.string(), "count": pa.int64(), "share": pa.float64(),
    "sent": MOMENT, "came": MOMENT, "born": pa.date32(), "open": pa.bool_(),
}  # fmt: skip
ONLY_SALES = (Condition("kind", "in", ("sale", "refund")),)
RULES = (
    *(Rule(f"{column}_present", "present", (column,), "") for column in TYPES),
    Rule("word_values", "values", ("word",), "", values=("a", "é", "🙂", "", "a\n")),
    Rule("word_pattern", "pattern", ("word",), "", pattern="[a-z]+([ .-][a-zé]{1,3})*"),
    Rule("word_any", "pattern", ("word",), "", pattern=".*"),
    Rule("word_either", "pattern", ("word",), "", pattern="a|ab"),
    Rule("word_not_at", "pattern", ("word",), "", pattern="[^@ ]+@[^@ ]+"),
    Rule("word_length", "length", ("word",), "", minimum=1, maximum=3),
    Rule("count_range", "range", ("count",), "", minimum=-3, maximum=3),
    Rule("count_huge", "range", ("count",), "", maximum=9_007_199_254_740_992),
    Rule("share_range", "range", ("share",), "", minimum=0, maximum=0.5),
    Rule("share_least", "range", ("share",), "", minimum=-0.5),
    Rule("sent_range", "range", ("sent",), "", minimum="2026-01-01T00:00:00"),
    Rule("born_range", "range", ("born",), "", minimum="1900-01-01", maximum="2026-01-01"),
    Rule("came_after_sent", "order", ("came", "sent"), ""),
    Rule("count_if_sale", "range", ("count",), "", maximum=0, where=ONLY_SALES),
    Rule(
        "named",
        "present",
        ("word",),
        "",
        where=(Condition("count", "missing"), Condition("share", "missing")),
    ),
    Rule("priced", "present", ("kind",), "", where=(Condition("share", "present"),)),
    Rule("order_if_sale", "order", ("came", "sent"), "", where=ONLY_SALES),
    Rule("pattern_if_sale", "pattern", ("word",), "", pattern="[a-z]*", where=ONLY_SALES),
)
CONTRACT = Contract(
    name="things",
    version="1",
    purpose="",
    usage="",
    limitations="",
    grain="",
    quarantine_threshold=0.05,
    columns=tuple(Column(name, kind, "", False, "internal", name, ()) for name, kind in TYPES.items()),
    cross_rules=RULES,
    set_rules=(),
)
MOMENTS = st.datetimes(datetime(2025, 12, 31, 23), datetime(2026, 1, 1, 1))
WORDS = st.one_of(
    st.sampled_from(
        [
            "a",
            "b",
            "ab",
            "é",
            "🙂",
            "",
            "a\n",
            "a\r\n",
            "\n",
            "a b",
            "a.bé",
            "a@b",
            "\uff41",
            "a\u0301",
            "👩\u200d👧",
            " ",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "word": st.none() | WORDS,
            "kind": st.none() | st.sampled_from(["sale", "refund", "gift", "Sale"]),
            "count": st.none()
            | st.integers(-5, 5)
            | st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**63 - 1]),
            "share": st.none() | st.floats() | st.sampled_from([0.0, -0.0, 0.5, -0.5]),
            "sent": st.none() | MOMENTS,
            "came": st.none() | MOMENTS,
            "born": st.none() | st.dates(date(1899, 12, 30), date(1900, 1, 2)) | st.just(date(2026, 1, 2)),
            "open": st.none() | st.booleans(),
        }
    ),
    min_size=20,
    max_size=120,
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in TYPES.items())
        found.execute(f"CREATE TABLE things (place BIGINT, {columns})")
        yield found


def load(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> pa.Table:
    values = {name: pa.array([row[name] for row in rows], kind) for name, kind in ARROW.items()}
    incoming = pa.table({"place": pa.array(range(len(rows)), pa.int64())} | values)
    connection.execute("TRUNCATE things")
    connection.register("incoming", incoming)
    connection.execute("INSERT INTO things SELECT * FROM incoming")
    connection.unregister("incoming")
    return connection.sql("SELECT * EXCLUDE (place) FROM things ORDER BY place").to_arrow_table()


def broken_in_sql(connection: duckdb.DuckDBPyConnection) -> dict[str, list[int]]:
    checks = joined(", ", (predicate(rule, TYPES) for rule in RULES))
    query = sql("SELECT {} FROM things ORDER BY place", checks)
    held = connection.execute(query.text, query.bound).fetchall()
    assert all(value is not None for row in held for value in row)
    return {
        rule.name: [place for place, row in enumerate(held) if not row[index]]
        for index, rule in enumerate(RULES)
    }


def broken_in_expectations(rows: pa.Table) -> dict[str, list[int]]:
    from pipelines.landing.expectations import failing_rows, typed_frame

    items = [item for rule in RULES if (item := expectation(rule, CONTRACT)) is not None]
    return failing_rows(typed_frame(rows), items)


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_both_forms_of_every_rule_break_on_the_same_rows(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> None:
    loaded = load(connection, rows)
    in_sql, in_expectations = broken_in_sql(connection), broken_in_expectations(loaded)
    for rule in RULES:
        assert in_sql[rule.name] == in_expectations[rule.name], (rule.name, rows)


def test_a_type_rule_holds_by_construction_and_needs_no_expectation() -> None:
    rule = Rule("count_type", "type", ("count",), "")
    assert predicate(rule, TYPES).text == "TRUE"
    assert expectation(rule, CONTRACT) is None


def test_no_value_of_a_rule_stands_in_the_text_of_its_sql() -> None:
    for rule in RULES:
        text = predicate(rule, TYPES).text
        assert "sale" not in text
        assert "2026" not in text
        assert "[a-z]" not in text
