"""2,000 random rules, each on random rows of its own: SQL and Great Expectations break on the same rows.

A run of Great Expectations costs 68 ms and more for each rule, so that cases share runs: each has columns of its own in
one wide frame. Everything is drawn from seeds, and a case that fails is small enough to be read.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from data_contracts.model import Bound, Column, Condition, Contract, Rule
from data_contracts.odcs_parts import EXACT, UNPORTABLE
from data_contracts.rules import expectation, predicate
from data_contracts.sql import joined, name, sql

CASES, BATCH, ROWS = (
    2_000,
    10,
    14,
)  # a run grows with the square of its columns: 25 in a batch cost a seventh more
LARGEST = 10**18 - 1  # more digits do not land (`judging.FORMS`)
NEW_YEAR = datetime(2026, 1, 1)
WORDS = (
    "a", "b", "ab", "aab", "é", "🙂", "", "a\n", "a\r\n", "\n", "a b", "a.bé", "a@b", "A", "0", "a@b.c", "\uff41", "a\u0301",
    "👩\u200d👧", " ", "null", "nan", "NaN", "None", "\t", "'", '"', "%", "_", "\\",
)  # fmt: skip
ATOMS = (
    "a",
    "b",
    "[a-z]",
    "[^@ ]",
    "[A-Z]",
    "[0-9]",
    ".",
    "é",
    "🙂",
    " ",
    "@",
    "(ab|a)",
    "(a|b|é)",
    "[.]",
    "[a-zé]",
    "\\.",
)
REPEATS = ("", "", "?", "*", "+", "{1,3}", "{2}")
TEXTS = "aábßé🙂 .@\n\u0301\u200d0A"
Draw = Callable[[random.Random], Any]

VALUES: dict[str, Draw] = {
    "VARCHAR": lambda die: die.choice(WORDS) if die.random() < 0.6 else "".join(die.choices(TEXTS, k=die.randint(0, 5))),
    "BIGINT": lambda die: die.choice((die.randint(-5, 5), 2**53, 2**53 + 1, LARGEST, LARGEST - 1, -LARGEST)),
    "INTEGER": lambda die: die.randint(-5, 10),
    "DOUBLE": lambda die: die.choice(
        (die.uniform(-1, 1), float(die.randint(-5, 10)), 0.0, -0.0, 0.5, float("nan"), float("inf"), float("-inf"), 1e300)
    ),
    "TIMESTAMP": lambda die: NEW_YEAR + timedelta(microseconds=die.choice((0, 1, -1, 10**6, die.randint(-(10**9), 10**9)))),
    "DATE": lambda die: die.choice((date(2026, 1, 1), date(1899, 12, 31), date(1900, 1, 1), date(2025, 12, die.randint(1, 31)))),
    "BOOLEAN": lambda die: die.random() < 0.5,
}  # fmt: skip
ARROW = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us"), "DATE": pa.date32(), "BOOLEAN": pa.bool_(),
}  # fmt: skip
PAIRS = (
    ("TIMESTAMP", "TIMESTAMP"), ("DATE", "DATE"), ("INTEGER", "INTEGER"), ("INTEGER", "DOUBLE"), ("TIMESTAMP", "DATE"),
    ("DOUBLE", "DOUBLE"),
)  # fmt: skip
NUMBERS_AND_TIMES = ("BIGINT", "INTEGER", "DOUBLE", "TIMESTAMP", "DATE")


@dataclass(frozen=True)
class Case:
    """A rule, and the rows that it judges: the type and the values of each column."""

    rule: Rule
    columns: dict[str, tuple[str, list[Any]]]


def case(number: int) -> Case:
    """Draw a case; the same number gives the same one."""
    die = random.Random(number)
    check = die.choice(("present", "values", "pattern", "range", "length", "order"))
    kinds = {
        "range": (die.choice(NUMBERS_AND_TIMES),),
        "order": die.choice(PAIRS),
        "present": (die.choice(list(VALUES)),),
    }
    types = [*kinds.get(check, ("VARCHAR",)), *die.choices(list(VALUES), k=die.choice((0, 0, 1, 2)))]
    names = [f"c{number}_{place}_{kind.lower()}" for place, kind in enumerate(types)]
    judged = 2 if check == "order" else 1
    rule = Rule(
        f"case_{number}",
        check,  # type: ignore[arg-type]
        tuple(names[:judged]),
        "",
        where=tuple(condition(die, *each) for each in list(zip(names, types, strict=True))[judged:]),
        slack_hours=die.choice((0, 1, 24)) if check == "order" and types[:2] == ["TIMESTAMP"] * 2 else 0,
        **limits(die, check, types[0]),
    )
    return Case(rule, {each: (kind, cells(die, kind)) for each, kind in zip(names, types, strict=True)})


def cells(die: random.Random, kind: str) -> list[Any]:
    """Draw a column's values; one in five is missing, and now and then all of them are."""
    missing = die.choice((0.0, 0.2, 0.2, 0.2, 1.0))
    return [None if die.random() < missing else VALUES[kind](die) for _ in range(ROWS)]


def condition(die: random.Random, column: str, kind: str) -> Condition:
    """Draw what limits a rule to some rows."""
    state = (
        die.choice(("in", "missing", "present")) if kind == "VARCHAR" else die.choice(("missing", "present"))
    )
    return Condition(column, state, tuple(die.sample(WORDS, 12)) if state == "in" else ())  # type: ignore[arg-type]


def limits(die: random.Random, check: str, kind: str) -> dict[str, Any]:
    """Draw what a rule asks for."""
    if check == "values":
        return {"values": tuple(die.sample(WORDS, die.randint(1, 8)))}
    if check == "pattern":
        return {"pattern": pattern(die)}
    if check == "length":
        return bounds(die, sorted(die.choices(range(6), k=2)))
    return bounds(die, ends(die, kind)) if check == "range" else {}


def bounds(die: random.Random, pair: list[Bound]) -> dict[str, Bound]:
    """Give both bounds, or only one of them."""
    return die.choice(({"minimum": pair[0]}, {"maximum": pair[1]}, {"minimum": pair[0], "maximum": pair[1]}))


def ends(die: random.Random, kind: str) -> list[Bound]:
    """Draw two bounds in order, as a contract writes them."""
    drawn = sorted(value for _ in range(9) if (value := VALUES[kind](die)) == value)[-2:]  # no NaN
    if kind in {"TIMESTAMP", "DATE"}:
        return [value.isoformat() for value in drawn]
    most = 10**6 if kind == "DOUBLE" else EXACT
    return sorted(max(-most, min(most, value)) for value in drawn)


def pattern(die: random.Random) -> str:
    """Draw a pattern of the dialect that contracts keep to."""

    def side() -> str:
        return "".join(die.choice(ATOMS) + die.choice(REPEATS) for _ in range(die.randint(1, 4)))

    found = side() if die.random() < 0.7 else f"{side()}|{side()}"
    assert not UNPORTABLE.search(found)
    return found


def broken_in_sql(cases: list[Case], table: pa.Table) -> dict[str, list[int]]:
    """Judge all cases by their predicates, one statement for all; a predicate is never NULL."""
    columns = [
        sql("{} " + kind, name(column)) for each in cases for column, (kind, _) in each.columns.items()
    ]
    with duckdb.connect() as connection:
        connection.execute(sql("CREATE TABLE wide (place BIGINT, {})", joined(", ", columns)).text)
        connection.register("incoming", table)
        connection.execute("INSERT INTO wide SELECT * FROM incoming")
        checks = joined(", ", (predicate(each.rule, types_of(each)) for each in cases))
        query = sql("SELECT {} FROM wide ORDER BY place", checks)
        held = connection.execute(query.text, query.bound).fetchall()
    assert all(value is not None for row in held for value in row)
    return {
        each.rule.name: [place for place, row in enumerate(held) if not row[index]]
        for index, each in enumerate(cases)
    }


def broken_in_expectations(cases: list[Case], table: pa.Table) -> dict[str, list[int]]:
    """Judge all cases by their expectations, in one run."""
    from pipelines.landing.expectations import failing_rows, typed_frame

    columns = tuple(
        Column(column, kind, "", required=False, classification="internal", title="", rules=())
        for each in cases
        for column, (kind, _) in each.columns.items()
    )
    rules = tuple(each.rule for each in cases)
    contract = Contract("wide", "1", "", "", "", "", 0.05, columns, rules, ())
    items = [item for rule in rules if (item := expectation(rule, contract)) is not None]
    assert len(items) == len(rules)
    return failing_rows(typed_frame(table.drop_columns("place")), items)


def types_of(each: Case) -> dict[str, str]:
    return {column: kind for column, (kind, _) in each.columns.items()}


@pytest.mark.slow
@pytest.mark.parametrize("eighth", range(8))
def test_a_random_rule_breaks_on_the_same_rows_in_both_forms(eighth: int) -> None:
    each = CASES // 8
    for first in range(eighth * each, (eighth + 1) * each, BATCH):
        agree([case(number) for number in range(first, first + BATCH)])


def agree(cases: list[Case]) -> None:
    """Judge a batch in both forms and compare, case by case."""
    values = {
        column: pa.array(cells, ARROW[kind], from_pandas=False)
        for each in cases
        for column, (kind, cells) in each.columns.items()
    }
    table = pa.table({"place": pa.array(range(ROWS), pa.int64())} | values)
    in_sql, in_expectations = broken_in_sql(cases, table), broken_in_expectations(cases, table)
    for each in cases:
        assert in_sql[each.rule.name] == in_expectations[each.rule.name], each


def test_the_cases_are_worth_judging() -> None:
    """Every check stands in hundreds of cases, with conditions and without, and rows both keep and break it."""
    cases = [case(number) for number in range(CASES)]
    for check in ("present", "values", "pattern", "range", "length", "order"):
        drawn = [each for each in cases if each.rule.check == check]
        assert len(drawn) > 250
        assert any(each.rule.where for each in drawn)
        assert any(not each.rule.where for each in drawn)
