"""Segments: a tree of rules over customer_360, written in YAML, compiled to one query with bound values.

A rule is `{column, test, value}`; `all`, `any` and `not` join rules. A segment may name what the contract of
customer_360 publishes, and nothing else. A test on a missing value does not hold (but `is null` does), so
that `not` of it holds: two-valued, as people expect it.

Of who objected to profiling since the release (objections.py) nothing is known that was concluded of them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Any, cast

from data_contracts.errors import SegmentError
from data_contracts.model import Column, Contract
from data_contracts.yaml_files import shown
from messaging.objections import everybody
from messaging.release import Row, Snapshot

SECONDS = 5.0  # longer than any segment over millions of people takes; a runaway query is stopped
MOST_RULES = 200
DEEPEST = 12
LARGEST = 2**63 - 1

# Into these go names of the contract and a compiled condition; every value is bound.
COUNT = "SELECT count(*) AS people, count(*) FILTER (WHERE {where}) AS matched FROM {people}"
SELECT = "SELECT {columns} FROM {people} WHERE {where} ORDER BY {order} LIMIT ?"

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
TESTS = (
    *COMPARISONS,
    *("in", "not in", "between", "is null", "is not null", "contains", "older than days", "newer than days"),
)
Value = str | int | bool | datetime


@dataclass(frozen=True)
class Comparison:
    """One rule about one column; `values` holds what it is compared with (none for `is null`)."""

    column: str
    test: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Joined:
    """Rules joined: all of them hold, any of them does, or (with `not`) the only one does not."""

    word: str  # all | any | not
    rules: tuple["Rule", ...]


Rule = Comparison | Joined


@dataclass(frozen=True)
class Segment:
    """A named set of customers."""

    name: str
    title: str
    description: str
    rule: Rule


@dataclass(frozen=True)
class Query:
    """A condition on `c360.customer_360`, with its values apart."""

    where: str
    parameters: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class SegmentCount:
    """How many people a segment matches, out of how many there are."""

    name: str
    people: int
    matched: int


def read_segment(name: str, document: Any, contract: Contract) -> Segment:
    """Check a segment that was read from YAML. Raises SegmentError naming the rule that is wrong."""
    if not isinstance(document, dict) or not isinstance(document.get("where"), dict):
        raise SegmentError(
            f"Segment {name!r} holds no rules.", "Give it a `where:` with `all`, `any`, `not` or one rule."
        )
    unknown = set(document) - {"title", "description", "where"}
    if unknown:
        raise SegmentError(
            f"Segment {name!r} has an unknown key {shown(repr(min(map(str, unknown))))}.", "Remove it."
        )
    left = iter(range(MOST_RULES))
    try:
        rule = _read_rule(document["where"], contract, left, 0)
    except SegmentError as error:
        raise SegmentError(f"Segment {name!r}: {shown(error.message)}", error.mend) from None
    return Segment(
        name=name,
        title=str(document.get("title") or name.replace("_", " ").capitalize()),
        description=str(document.get("description") or "").strip(),
        rule=rule,
    )


def compile_segment(segment: Segment, as_of: datetime) -> Query:
    """Turn a checked segment into a condition; ages count from the release's `as_of` (naive UTC)."""
    parameters: list[Any] = []
    try:
        return Query(_compile(segment.rule, parameters, as_of), parameters)
    except SegmentError as error:  # days that reach beyond the calendar
        raise SegmentError(f"Segment {segment.name!r}: {error.message}", error.mend) from None


def count(snapshot: Snapshot, segment: Segment, objectors: Collection[str]) -> SegmentCount:
    """Count the people of a segment; `objectors` to profiling are those of now (objections.py).

    Raises ReleaseError when it takes longer than five seconds.
    """
    query = compile_segment(segment, snapshot.info.as_of)
    people, bound = everybody(snapshot, objectors)
    sql = COUNT.format(where=query.where, people=people)
    found = snapshot.rows(sql, [*query.parameters, *bound], seconds=SECONDS)[0]
    return SegmentCount(segment.name, found["people"], found["matched"])


def preview(snapshot: Snapshot, segment: Segment, objectors: Collection[str], limit: int = 20) -> list[Row]:
    """Give some people of a segment, those seen last first, with the columns that the rules look at."""
    columns = ["customer_id", "display_name", "last_seen_at", *columns_of(segment.rule)]
    order = "last_seen_at DESC NULLS LAST, customer_id"
    return _select(snapshot, segment, objectors, list(dict.fromkeys(columns)), order, limit)


def members(snapshot: Snapshot, segment: Segment, objectors: Collection[str]) -> list[Row]:
    """Give everybody of a segment with all published columns, in the order of their ids."""
    return _select(snapshot, segment, objectors, ["*"], "customer_id", None)


def columns_of(rule: Rule) -> list[str]:
    """Name the columns that a rule looks at, in the order in which they appear."""
    if isinstance(rule, Comparison):
        return [rule.column]
    return list(dict.fromkeys(column for each in rule.rules for column in columns_of(each)))


def holds(rule: Rule, facts: Mapping[str, Any], as_of: datetime) -> bool:
    """Say whether one customer's facts fulfil a rule: what the compiled query says, without a database."""
    if isinstance(rule, Comparison):
        return _holds_one(rule, facts.get(rule.column), as_of)
    if rule.word == "not":
        return not holds(rule.rules[0], facts, as_of)
    return (all if rule.word == "all" else any)(holds(each, facts, as_of) for each in rule.rules)


def failing(rule: Rule, facts: Mapping[str, Any], as_of: datetime) -> list[Rule]:
    """Name the parts of a rule that keep a customer out; none where it holds."""
    if holds(rule, facts, as_of):
        return []
    if isinstance(rule, Joined) and rule.word == "all":
        return [part for each in rule.rules for part in failing(each, facts, as_of)]
    return [rule]


def describe(rule: Rule, contract: Contract) -> str:
    """Say a rule in words."""
    if isinstance(rule, Comparison):
        return _sentence(rule, contract.column(rule.column).title)
    if rule.word == "not":
        return f"not ({describe(rule.rules[0], contract)})"
    parts = [describe(each, contract) for each in rule.rules]
    parts = [
        f"({part})" if isinstance(each, Joined) else part
        for part, each in zip(parts, rule.rules, strict=True)
    ]
    return f" {'and' if rule.word == 'all' else 'or'} ".join(parts)


# --- reading


def _read_rule(document: Any, contract: Contract, left: Iterator[int], depth: int) -> Rule:
    if depth > DEEPEST or next(left, None) is None:
        raise SegmentError(
            f"A segment may hold {MOST_RULES} rules, {DEEPEST} deep; this one holds more.", "Split it."
        )
    if not isinstance(document, dict):
        raise SegmentError(f"{document!r} is no rule.", "Write it as {column: …, test: …, value: …}.")
    joined = [word for word in ("all", "any", "not") if word in document]
    if joined and len(document) == 1:
        return _read_joined(joined[0], document[joined[0]], contract, left, depth)
    if joined or not {"column", "test"} <= set(document) <= {"column", "test", "value"}:
        raise SegmentError(
            f"A rule holds the keys {', '.join(sorted(map(str, document)))}.",
            "It should hold `column`, `test` and `value`, or one of `all`, `any` and `not`.",
        )
    return _read_test(document, contract)


def _read_joined(word: str, body: Any, contract: Contract, left: Iterator[int], depth: int) -> Joined:
    rules = [body] if word == "not" else body
    if not isinstance(rules, list) or not rules:
        raise SegmentError(f"`{word}` needs a list of at least one rule.", "Add one, or remove it.")
    return Joined(word, tuple(_read_rule(each, contract, left, depth + 1) for each in rules))


def _read_test(document: dict[str, Any], contract: Contract) -> Comparison:
    column = _column(str(document["column"]), contract)
    test = str(document["test"])
    if test not in TESTS:
        raise SegmentError(f"{test!r} is no test.{_near(test, TESTS)}", f"Tests are {', '.join(TESTS)}.")
    values = tuple(_value(each, column, test) for each in _listed(document.get("value"), column, test))
    if test in {"=", "!=", "in", "not in"}:
        _require_possible(column, values)
    return Comparison(column.name, test, values)


def _column(name: str, contract: Contract) -> Column:
    known = [column.name for column in contract.columns]
    if name not in known:
        raise SegmentError(
            f"customer_360 has no column {name!r}.{_near(name, known)}", "See the dictionary for all columns."
        )
    return contract.column(name)


def _near(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = get_close_matches(name, known, 3, 0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _listed(value: Any, column: Column, test: str) -> list[Any]:
    if test in {"is null", "is not null"}:
        if value is not None:
            raise SegmentError(f"{column.name}: `{test}` takes no value.", "Remove the value.")
        return []
    if test in {"in", "not in", "between"}:
        if not isinstance(value, list) or not value or (test == "between" and len(value) != 2):
            wanted = "two values, the lowest and the highest" if test == "between" else "a list of values"
            raise SegmentError(f"{column.name}: `{test}` needs {wanted}.", "Write them as [a, b].")
        return value
    return [value]


def _value(value: Any, column: Column, test: str) -> Value:
    kind = "number" if test.endswith("than days") else _kind(column)
    if test.endswith("than days") and _kind(column) != "moment":
        raise SegmentError(
            f"{column.name} is no date, so it has no age.", "Use a column such as last_order_at."
        )
    if test == "contains" and _kind(column) != "text":
        raise SegmentError(f"{column.name} is no text, so it contains nothing.", "Compare it instead.")
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "truth" and isinstance(value, bool):
        return value
    if kind == "number" and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    if kind == "moment" and (moment := _moment(value)) is not None:
        return moment
    words = {"text": "a text", "truth": "true or false", "number": "a whole number", "moment": "a date"}
    raise SegmentError(f"{column.name}: {value!r} should be {words[kind]}.", "Correct the value.")


def _kind(column: Column) -> str:
    if column.type in {"TIMESTAMP", "DATE"}:
        return "moment"
    if column.type == "BOOLEAN":
        return "truth"
    return "text" if column.type == "VARCHAR" else "number"


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is None else None


def _require_possible(column: Column, values: tuple[Value, ...]) -> None:
    possible = {
        each for rule in column.rules if rule.check == "values" and not rule.where for each in rule.values
    }
    for value in values:
        if possible and value not in possible:
            near = _near(str(value), sorted(possible))
            raise SegmentError(
                f"{column.name} is never {value!r}.{near}", f"It is one of {', '.join(sorted(possible))}."
            )


# --- compiling


def _select(  # noqa: PLR0913, PLR0917 - the parts of a query
    snapshot: Snapshot,
    segment: Segment,
    objectors: Collection[str],
    columns: list[str],
    order: str,
    limit: int | None,
) -> list[Row]:
    query = compile_segment(segment, snapshot.info.as_of)
    wanted = ", ".join("*" if column == "*" else _quoted(column) for column in columns)
    people, bound = everybody(snapshot, objectors)
    sql = SELECT.format(columns=wanted, people=people, where=query.where, order=order)
    return snapshot.rows(sql, [*bound, *query.parameters, limit], seconds=SECONDS)


def _compile(rule: Rule, parameters: list[Any], as_of: datetime) -> str:
    if isinstance(rule, Comparison):
        return f"coalesce({_compile_test(rule, parameters, as_of)}, false)"
    parts = [_compile(each, parameters, as_of) for each in rule.rules]
    if rule.word == "not":
        return f"(NOT {parts[0]})"
    return "(" + (" AND " if rule.word == "all" else " OR ").join(parts) + ")"


def _compile_test(rule: Comparison, parameters: list[Any], as_of: datetime) -> str:
    """Give the condition with a `?` for each value; the column's name is one of the contract's."""
    column = _quoted(rule.column)
    if rule.test in {"is null", "is not null"}:
        return f"{column} {rule.test.upper()}"
    if rule.test.endswith("than days"):
        parameters.append(_days_before(as_of, cast("int", rule.values[0])))
        return f"{column} {'<' if rule.test.startswith('older') else '>='} ?"
    parameters.extend(rule.values)
    marks = ", ".join("?" for _ in rule.values)
    if rule.test in {"in", "not in"}:
        return f"{column} {rule.test.upper()} ({marks})"
    if rule.test == "between":
        return f"{column} BETWEEN ? AND ?"
    if rule.test == "contains":
        return f"contains(lower({column}), lower(?))"
    return f"{column} {rule.test} ?"


def _holds_one(rule: Comparison, value: Any, as_of: datetime) -> bool:
    if rule.test in {"is null", "is not null"}:
        return (value is None) == (rule.test == "is null")
    if value is None:
        return False
    first = rule.values[0]
    edge = _days_before(as_of, cast("int", first)) if rule.test.endswith("than days") else as_of
    tests: dict[str, Callable[[], Any]] = {
        "=": lambda: value == first,
        "!=": lambda: value != first,
        "<": lambda: value < first,
        "<=": lambda: value <= first,
        ">": lambda: value > first,
        ">=": lambda: value >= first,
        "in": lambda: value in rule.values,
        "not in": lambda: value not in rule.values,
        "between": lambda: first <= value <= rule.values[1],
        "contains": lambda: str(first).lower() in value.lower(),
        "older than days": lambda: value < edge,
        "newer than days": lambda: value >= edge,
    }
    return bool(tests[rule.test]())


def _days_before(as_of: datetime, days: int) -> datetime:
    try:
        return as_of - timedelta(days=days)
    except OverflowError:
        raise SegmentError(f"{days} days reach beyond the calendar.", "Take fewer.") from None


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


# --- saying


def _sentence(rule: Comparison, title: str) -> str:
    shown = [_shown(value) for value in rule.values]
    words: dict[str, Callable[[], str]] = {
        "=": lambda: f"{title} is {shown[0]}",
        "!=": lambda: f"{title} is not {shown[0]}",
        "<": lambda: f"{title} is below {shown[0]}",
        "<=": lambda: f"{title} is at most {shown[0]}",
        ">": lambda: f"{title} is above {shown[0]}",
        ">=": lambda: f"{title} is at least {shown[0]}",
        "in": lambda: f"{title} is {' or '.join(shown)}",
        "not in": lambda: f"{title} is none of {', '.join(shown)}",
        "between": lambda: f"{title} is from {shown[0]} to {shown[1]}",
        "is null": lambda: f"{title} is not known",
        "is not null": lambda: f"{title} is known",
        "contains": lambda: f"{title} contains “{shown[0]}”",
        "older than days": lambda: f"{title} is more than {shown[0]} days ago",
        "newer than days": lambda: f"{title} is within the last {shown[0]} days",
    }
    return words[rule.test]()


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%-d %B %Y}" if isinstance(value, datetime) else str(value)
