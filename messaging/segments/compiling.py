"""A segment as one condition on `c360.customer_360` in DuckDB: names are the contract's, every value is bound.

What somebody did is asked of `c360.customer_timeline`, once for each rule, for everybody at once. Of a sequence the earliest
next step is always the best one, so that each step is one as-of join.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from data_contracts.errors import SegmentError
from messaging.segments.rules import (
    Ago,
    Comparison,
    Did,
    Joined,
    Listed,
    Named,
    Rule,
    Sample,
    Segment,
    Sequence,
    Touches,
)

Lists = Mapping[str, Collection[str]]

DID = "customer_id {which} (SELECT customer_id FROM c360.customer_timeline WHERE {touches} GROUP BY ALL HAVING {times})"
DID_EVER = "customer_id {which} (SELECT customer_id FROM c360.customer_timeline WHERE {touches})"
HAPPENED = "customer_id IN (WITH {steps} SELECT customer_id FROM {last})"
FIRST = """
step0 AS (
    SELECT customer_id, occurred_at AS began, occurred_at AS reached
    FROM c360.customer_timeline
    WHERE {touches}
)"""
STEP = """
{alias} AS (
    SELECT step.customer_id, step.began, next.occurred_at AS reached
    FROM {before} AS step
    ASOF JOIN (SELECT customer_id, occurred_at FROM c360.customer_timeline WHERE {touches}) AS next
    ON step.customer_id = next.customer_id AND step.reached < next.occurred_at
    WHERE next.occurred_at <= step.began + to_days(?)
)"""
WITHOUT = """
{alias} AS (
    SELECT step.customer_id, step.began, step.reached
    FROM {before} AS step
    ASOF LEFT JOIN (SELECT customer_id, occurred_at FROM c360.customer_timeline WHERE {touches}) AS other
    ON step.customer_id = other.customer_id AND step.began < other.occurred_at
    WHERE other.occurred_at IS NULL OR other.occurred_at > step.began + to_days(?)
)"""
SAMPLE = "('0x' || left(sha256(? || ':' || customer_id), 8))::BIGINT < ?"


@dataclass(frozen=True)
class Query:
    """A condition on `c360.customer_360`, with its values apart."""

    where: str
    parameters: list[Any] = field(default_factory=list)


def compile_segment(segment: Segment, as_of: datetime, lists: Lists | None = None) -> Query:
    """Turn a checked segment into a condition; ages count from the release's `as_of` (naive UTC).

    `lists` has the customers of each uploaded list that it names. Raises SegmentError for days beyond the calendar.
    """
    compiler = _Compiler(as_of, lists or {})
    try:
        return Query(compiler.rule(segment.rule), compiler.parameters)
    except SegmentError as error:
        raise SegmentError(f"Segment {segment.name!r}: {error.message}", error.mend) from None


def days_before(as_of: datetime, days: int) -> datetime:
    """Give the moment so many days before another. Raises SegmentError where the calendar has none."""
    try:
        return as_of - timedelta(days=days)
    except OverflowError:
        raise SegmentError(f"{days} days reach beyond the calendar.", "Take fewer.") from None


class _Compiler:
    def __init__(self, as_of: datetime, lists: Lists) -> None:
        self.as_of = as_of
        self.lists = lists
        self.parameters: list[Any] = []

    def rule(self, rule: Rule) -> str:  # noqa: PLR0911 - one for each kind of rule
        match rule:
            case Comparison():
                return f"coalesce({self._comparison(rule)}, false)"
            case Did():
                return self._did(rule)
            case Sequence():
                return self._sequence(rule)
            case Listed():
                self.parameters.append(sorted(self.lists[rule.name]))
                return "customer_id IN (SELECT unnest(?::VARCHAR[]))"
            case Sample():
                self.parameters += [rule.salt, round(rule.percent / 100 * 2**32)]
                return SAMPLE
            case Named():
                return self.rule(rule.rule)
            case Joined():
                parts = [self.rule(each) for each in rule.rules]
                if rule.word == "not":
                    return f"(NOT {parts[0]})"
                return "(" + (" AND " if rule.word == "all" else " OR ").join(parts) + ")"

    def _comparison(self, rule: Comparison) -> str:
        """Give the condition with a `?` for each value; the column's name is one of the contract's."""
        column = quoted(rule.column)
        if rule.test in {"is null", "is not null"}:
            return f"{column} {rule.test.upper()}"
        if rule.test.endswith("than days"):
            self.parameters.append(days_before(self.as_of, cast("int", rule.values[0])))
            return f"{column} {'<' if rule.test.startswith('older') else '>='} ?"
        self.parameters.extend(rule.values)
        if rule.test in {"in", "not in"}:
            return f"{column} {rule.test.upper()} ({_marks(rule.values)})"
        if rule.test == "between":
            return f"{column} BETWEEN ? AND ?"
        if rule.test == "contains":
            return f"contains(lower({column}), lower(?))"
        return f"{column} {rule.test} ?"

    def _did(self, rule: Did) -> str:
        touches = self._touches(rule.touches, rule.ago)
        if (
            rule.at_least == 0
        ):  # nobody who never did it is in the timeline: ask for those who did it too often
            self.parameters.append(rule.at_most)
            return DID.format(which="NOT IN", touches=touches, times="count(*) > ?")
        if (rule.at_least, rule.at_most) == (1, None):
            return DID_EVER.format(which="IN", touches=touches)
        self.parameters.append(rule.at_least)
        if rule.at_most is None:
            return DID.format(which="IN", touches=touches, times="count(*) >= ?")
        self.parameters.append(rule.at_most)
        return DID.format(which="IN", touches=touches, times="count(*) BETWEEN ? AND ?")

    def _sequence(self, rule: Sequence) -> str:
        touches = self._touches(rule.steps[0], rule.ago)
        steps = [FIRST.format(touches=touches)]
        kinds = [(STEP, each) for each in rule.steps[1:]]
        kinds += [(WITHOUT, rule.without)] if rule.without else []
        for number, (sql, each) in enumerate(kinds):
            touches = self._touches(each, Ago())
            self.parameters.append(rule.within_days)
            steps.append(sql.format(alias=f"step{number + 1}", before=f"step{number}", touches=touches))
        return HAPPENED.format(steps=",".join(steps), last=f"step{len(kinds)}")

    def _touches(self, touches: Touches, ago: Ago) -> str:
        conditions, bound = _named(touches)
        self.parameters += bound
        self.parameters.append(days_before(self.as_of, ago.nearest))
        conditions.append("occurred_at <= ?")
        if ago.farthest is not None:
            self.parameters.append(days_before(self.as_of, ago.farthest))
            conditions.append("occurred_at >= ?")
        return " AND ".join(conditions)


def touches_in(touches: Touches, since: datetime, until: datetime) -> tuple[str, list[Any]]:
    """Give a condition on customer_timeline for touches after a moment and up to another, with its values."""
    conditions, bound = _named(touches)
    return " AND ".join([*conditions, "occurred_at > ?", "occurred_at <= ?"]), [*bound, since, until]


def _named(touches: Touches) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    bound: list[Any] = []
    for column, values in touches.columns:
        bound.extend(values)
        conditions.append(f"{quoted(column)} IN ({_marks(values)})")
    if touches.says is not None:
        bound.append(touches.says)
        conditions.append("contains(lower(title), lower(?))")
    if touches.at_least_minor is not None:
        bound.append(touches.at_least_minor)
        conditions.append("amount_minor >= ?")
    if touches.at_most_minor is not None:
        bound.append(touches.at_most_minor)
        conditions.append("amount_minor <= ?")
    return conditions, bound


def quoted(column: str) -> str:
    """Quote a column's name."""
    return '"' + column.replace('"', '""') + '"'


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" for _ in values)
