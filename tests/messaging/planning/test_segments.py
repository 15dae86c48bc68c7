import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.contracts import published_contract
from data_contracts.errors import ReleaseError, SegmentError
from messaging import segments
from messaging.customers import Customers

CONTRACT = published_contract("customer_360")
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
TEXTS = ["GB", "DE", "Ada", "ada", "O'Brien", "'; --", "", "%", "Zoë", "100"]
STAGES = ["prospect", "new", "active", "lapsing", "lapsed"]
COLUMNS = {
    "given_name": st.sampled_from(TEXTS),
    "country": st.sampled_from(TEXTS),
    "lifecycle_stage": st.sampled_from(STAGES),
    "order_count": st.integers(-2, 5),
    "net_revenue_minor": st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-3, 3),
    "email_reachable": st.booleans(),
    "last_order_at": st.datetimes(datetime(2026, 10, 20), datetime(2026, 10, 31)),
}
NUMBERS = ("order_count", "net_revenue_minor")
WORDS = ("given_name", "country")


def read(where: Any) -> segments.Segment:
    return segments.read_segment("tried", {"where": where}, CONTRACT)


def one(column: str, test: str, *value: Any) -> segments.Segment:
    return read({"column": column, "test": test} | ({"value": value[0]} if value else {}))


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@st.composite
def leaves(draw: Any) -> dict[str, Any]:
    column = draw(st.sampled_from(sorted(COLUMNS)))
    tests = ["=", "!=", "<", "<=", ">", ">=", "in", "not in", "between", "is null", "is not null"]
    tests += ["contains"] if column in WORDS else []
    tests += ["older than days", "newer than days"] if column == "last_order_at" else []
    test = draw(st.sampled_from(tests))
    if test in {"is null", "is not null"}:
        return {"column": column, "test": test}
    if test.endswith("than days"):
        return {"column": column, "test": test, "value": draw(st.integers(-3, 15))}
    values = [draw(COLUMNS[column]) for _ in range(2)]
    values = [plain(each) for each in (sorted(values) if test == "between" else values)]
    return {
        "column": column,
        "test": test,
        "value": values if test in {"in", "not in", "between"} else values[0],
    }


TREES = st.recursive(
    leaves(),
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=8,
)
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | of for name, of in COLUMNS.items()}), max_size=6)


def naive(where: Any, row: dict[str, Any]) -> bool:
    """Read a rule as a person would, from the YAML itself: the oracle of what is compiled."""
    for word, join in (("all", all), ("any", any)):
        if word in where:
            return join(naive(each, row) for each in where[word])
    if "not" in where:
        return not naive(where["not"], row)
    value, test, asked = row[where["column"]], where["test"], where.get("value")
    if test in {"is null", "is not null"}:
        return (value is None) is (test == "is null")
    if value is None:
        return False
    if test.endswith("than days"):
        age = (AS_OF - value) / timedelta(days=1)
        return age > asked if test.startswith("older") else age <= asked
    if isinstance(value, datetime):
        asked = (
            [datetime.fromisoformat(each) for each in asked]
            if isinstance(asked, list)
            else datetime.fromisoformat(asked)
        )
    return {
        "=": lambda: value == asked,
        "!=": lambda: value != asked,
        "<": lambda: value < asked,
        "<=": lambda: value <= asked,
        ">": lambda: value > asked,
        ">=": lambda: value >= asked,
        "in": lambda: value in asked,
        "not in": lambda: value not in asked,
        "between": lambda: asked[0] <= value <= asked[1],
        "contains": lambda: asked.casefold() in value.casefold(),
    }[test]()


@pytest.fixture(scope="module")
def table() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    types = CONTRACT.duckdb_columns()
    columns = ", ".join(f'"{name}" {types[name]}' for name in COLUMNS)
    connection.execute(f"CREATE TABLE people (number INTEGER, {columns})")
    return connection


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=TREES, rows=ROWS)
def test_the_compiled_query_and_the_rule_in_words_agree_with_a_naive_reading(
    table: duckdb.DuckDBPyConnection, where: Any, rows: list[dict[str, Any]]
) -> None:
    segment = read(where)
    query = segments.compile_segment(segment, AS_OF)
    table.execute("DELETE FROM people")
    marks = ", ".join("?" for _ in range(len(COLUMNS) + 1))
    for number, row in enumerate(rows):
        table.execute(f"INSERT INTO people VALUES ({marks})", [number, *(row[name] for name in COLUMNS)])
    found = table.execute(f"SELECT number FROM people WHERE {query.where}", query.parameters).fetchall()
    expected = {number for number, row in enumerate(rows) if naive(where, row)}
    assert {number for (number,) in found} == expected
    assert {
        number for number, row in enumerate(rows) if segments.holds(segment.rule, segments.Person(row), AS_OF)
    } == expected
    assert segments.describe(segment.rule, CONTRACT, "GBP")


def test_values_are_bound_and_never_part_of_the_query() -> None:
    query = segments.compile_segment(one("given_name", "=", "'; DROP TABLE customer_360; --"), AS_OF)
    assert query.where == 'coalesce("given_name" = ?, false)'
    assert query.parameters == ["'; DROP TABLE customer_360; --"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"column": "lifecycle_stag", "test": "=", "value": "new"}, "did you mean lifecycle_stage"),
        ({"column": "lifecycle_stage", "test": "=", "value": "lapsd"}, "did you mean lapsed"),
        ({"column": "order_count", "test": "=>", "value": 1}, "is no test"),
        ({"column": "order_count", "test": ">=", "value": "one"}, "should be a whole number"),
        ({"column": "order_count", "test": ">=", "value": True}, "should be a whole number"),
        ({"column": "order_count", "test": ">=", "value": 2**63}, "should be a whole number"),
        ({"column": "order_count", "test": ">=", "value": math.inf}, "should be a whole number"),
        ({"column": "last_order_at", "test": "<", "value": "yesterday"}, "should be a date"),
        ({"column": "last_order_at", "test": "<", "value": "2026-01-01T00:00:00+01:00"}, "should be a date"),
        ({"column": "email_reachable", "test": "=", "value": 1}, "should be true or false"),
        ({"column": "order_count", "test": "contains", "value": "1"}, "is no text"),
        ({"column": "given_name", "test": "older than days", "value": 3}, "has no age"),
        ({"column": "given_name", "test": "is null", "value": 3}, "takes no value"),
        ({"column": "order_count", "test": "between", "value": [1]}, "two values"),
        ({"column": "order_count", "test": "in", "value": []}, "a list of values"),
        ({"all": []}, "at least one rule"),
        ({"all": [], "any": []}, "a rule holds the keys"),
        ({"column": "order_count"}, "a rule holds the keys"),
        ({"column": 'x" OR 1=1 --', "test": "=", "value": 1}, "has no column"),
        ("1 = 1", "holds no rules"),
    ],
)
def test_a_wrong_rule_is_told_with_the_nearest_right_one(where: Any, told: str) -> None:
    with pytest.raises(SegmentError, match=told):
        read(where)


def test_a_segment_is_bounded_in_depth_and_number() -> None:
    leaf: Any = {"column": "order_count", "test": "=", "value": 1}
    deep = leaf
    for _ in range(20):
        deep = {"not": deep}
    with pytest.raises(SegmentError, match="deep"):
        read(deep)
    with pytest.raises(SegmentError, match="200 rules"):
        read({"any": [leaf] * 300})


def test_ages_beyond_the_calendar_are_told() -> None:
    with pytest.raises(SegmentError, match="calendar"):
        segments.compile_segment(one("last_order_at", "older than days", 10**9), AS_OF)


def test_count_and_preview_read_the_release(
    customers: Customers, publish: Callable[..., str], make_person: Callable[..., dict[str, Any]]
) -> None:
    publish(customer_360=[make_person(1), make_person(2, lifecycle_stage="active"), make_person(3)])
    segment = one("lifecycle_stage", "=", "lapsed")
    with customers.reader.snapshot() as snapshot:
        counted = segments.count(snapshot, segment, ())
        rows = segments.preview(snapshot, segment, (), 1)
    assert (counted.people, counted.matched) == (3, 2)
    assert list(rows[0]) == ["customer_id", "display_name", "last_seen_at", "lifecycle_stage"]


def test_a_column_that_an_older_release_lacks_is_told(
    customers: Customers, publish: Callable[..., str]
) -> None:
    publish()
    with pytest.raises(ReleaseError, match="rapport build"):
        customers.query("SELECT brand_new_column FROM c360.customer_360")


def test_what_keeps_a_customer_out_is_named_part_by_part() -> None:
    segment = read(
        {
            "all": [
                {"column": "order_count", "test": ">=", "value": 1},
                {"column": "lifecycle_stage", "test": "in", "value": ["lapsing", "lapsed"]},
            ]
        }
    )
    failing = segments.failing(
        segment.rule, segments.Person({"order_count": 3, "lifecycle_stage": "active"}), AS_OF
    )
    assert [segments.describe(rule, CONTRACT, "GBP") for rule in failing] == ["Stage: lapsing or lapsed"]
