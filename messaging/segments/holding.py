"""Whether a rule holds of one person: what the compiled query says, without a database.

For whoever asks about one: why somebody is not in a campaign, or a campaign's own tests with their made-up people.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from collections.abc import Sequence as Series
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from messaging.segments.compiling import days_before
from messaging.segments.rules import (
    Ago,
    Comparison,
    Did,
    Joined,
    Listed,
    Named,
    Rule,
    Sample,
    Sequence,
    Touches,
)

Touch = Mapping[str, Any]  # a row of customer_timeline


@dataclass(frozen=True)
class Person:
    """What is known of one person: a row of customer_360, their touches, and the lists that they are on."""

    facts: Mapping[str, Any]
    touches: Series[Touch] = ()
    lists: Collection[str] = ()


def holds(rule: Rule, person: Person, as_of: datetime) -> bool:  # noqa: PLR0911 - one for each kind of rule
    """Say whether one person fulfils a rule; ages count from `as_of` (naive UTC)."""
    match rule:
        case Comparison():
            return _compares(rule, person.facts.get(rule.column), as_of)
        case Did():
            times = sum(_within(each, rule.ago, as_of) for each in _meant(rule.touches, person))
            return rule.at_least <= times and (rule.at_most is None or times <= rule.at_most)
        case Sequence():
            return _happened(rule, person, as_of)
        case Listed():
            return rule.name in person.lists
        case Sample():
            digest = hashlib.sha256(f"{rule.salt}:{person.facts['customer_id']}".encode()).hexdigest()
            return int(digest[:8], 16) < round(rule.percent / 100 * 2**32)
        case Named():
            return holds(rule.rule, person, as_of)
        case Joined():
            if rule.word == "not":
                return not holds(rule.rules[0], person, as_of)
            return (all if rule.word == "all" else any)(holds(each, person, as_of) for each in rule.rules)


def failing(rule: Rule, person: Person, as_of: datetime) -> list[Rule]:
    """Name the parts of a rule that keep somebody out; none where it holds."""
    if holds(rule, person, as_of):
        return []
    if isinstance(rule, Named):
        return failing(rule.rule, person, as_of)
    if isinstance(rule, Joined) and rule.word == "all":
        return [part for each in rule.rules for part in failing(each, person, as_of)]
    return [rule]


def _happened(rule: Sequence, person: Person, as_of: datetime) -> bool:
    """Take the earliest next step each time: whatever comes later leaves less of the days."""
    steps = [_times(each, person, as_of) for each in rule.steps]
    without = _times(rule.without, person, as_of) if rule.without else []
    for first in _meant(rule.steps[0], person):
        if not _within(first, rule.ago, as_of):
            continue
        began = reached = first["occurred_at"]
        end = began + timedelta(days=rule.within_days)
        for times in steps[1:]:
            reached = min((each for each in times if reached < each <= end), default=None)
            if reached is None:
                break
        if reached is not None and not any(began < each <= end for each in without):
            return True
    return False


def _times(touches: Touches, person: Person, as_of: datetime) -> list[datetime]:
    return [each["occurred_at"] for each in _meant(touches, person) if each["occurred_at"] <= as_of]


def _meant(touches: Touches, person: Person) -> list[Touch]:
    return [each for each in person.touches if _is_meant(touches, each)]


def _is_meant(touches: Touches, touch: Touch) -> bool:
    if any(touch.get(column) not in values for column, values in touches.columns):
        return False
    if touches.says is not None and touches.says.lower() not in (touch.get("title") or "").lower():
        return False
    least, most = touches.at_least_minor, touches.at_most_minor
    if least is None and most is None:
        return True
    amount = touch.get("amount_minor")
    return amount is not None and (least is None or amount >= least) and (most is None or amount <= most)


def _within(touch: Touch, ago: Ago, as_of: datetime) -> bool:
    if touch["occurred_at"] > days_before(as_of, ago.nearest):
        return False
    return ago.farthest is None or touch["occurred_at"] >= days_before(as_of, ago.farthest)


def _compares(rule: Comparison, value: Any, as_of: datetime) -> bool:
    if rule.test in {"is null", "is not null"}:
        return (value is None) == (rule.test == "is null")
    if value is None:
        return False
    first = rule.values[0]
    edge = days_before(as_of, cast("int", first)) if rule.test.endswith("than days") else as_of
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
