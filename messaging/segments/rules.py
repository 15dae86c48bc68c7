"""What a segment is made of: a tree of rules about one customer, each of which holds or does not.

Rules look at a column of customer_360, at what somebody did (their touches, from customer_timeline), at lists that
were uploaded, or draw a lot. Where nothing is known of somebody a rule does not hold, so that `not` of it does:
two-valued, as people expect it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

SECONDS = 5.0  # longer than any segment over millions of people takes; a runaway query is stopped
MOST_RULES = 200
DEEPEST = 12
LONGEST_SEQUENCE = 5
LARGEST = 2**63 - 1

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
TESTS = (
    *COMPARISONS,
    *("in", "not in", "between", "is null", "is not null", "contains", "older than days", "newer than days"),
)
Value = str | int | bool | datetime


@dataclass(frozen=True)
class Comparison:
    """A column compared with `values` (none for `is null`)."""

    column: str
    test: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Touches:
    """Which touches are meant: `columns` of customer_timeline with the values that they may have.

    `says` is a part of the touch's title, in whichever case; money is in minor units of the company's currency.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    says: str | None = None
    at_least_minor: int | None = None
    at_most_minor: int | None = None


@dataclass(frozen=True)
class Ago:
    """A span of days before the release's `as_of`: from `nearest` (0 is now) to `farthest` days ago, None without end."""

    nearest: int = 0
    farthest: int | None = None


@dataclass(frozen=True)
class Did:
    """Somebody did something so many times: `at_most` None is without end."""

    touches: Touches
    ago: Ago = Ago()
    at_least: int = 1
    at_most: int | None = None


@dataclass(frozen=True)
class Sequence:
    """Steps one after the other, all `within_days` of the first, and nothing of `without` in these days.

    `ago` bounds the first step. With one step and `without`, it is what was begun and not ended.
    """

    steps: tuple[Touches, ...]
    within_days: int
    without: Touches | None = None
    ago: Ago = Ago()


@dataclass(frozen=True)
class Goal:
    """What a campaign is for: touches of somebody within so many days of it. `title` says them in words."""

    title: str
    touches: Touches
    within_days: int


ORDERED = Goal("an order", Touches((("kind", ("order",)),)), 14)  # unless a campaign says otherwise


@dataclass(frozen=True)
class Listed:
    """Somebody is on a list that was uploaded."""

    name: str


@dataclass(frozen=True)
class Sample:
    """A share of everybody, drawn by a salted hash so that anybody can draw it again."""

    percent: float
    salt: str


@dataclass(frozen=True)
class Named:
    """Another segment, whose rule stands here as it was when this one was read."""

    name: str
    title: str
    rule: "Rule" = field(repr=False)


@dataclass(frozen=True)
class Joined:
    """Rules joined: all of them hold, any of them does, or (with `not`) the only one does not."""

    word: str  # all | any | not
    rules: tuple["Rule", ...]


Leaf = Comparison | Did | Sequence | Listed | Sample
Rule = Leaf | Named | Joined


@dataclass(frozen=True)
class Segment:
    """A named set of customers."""

    name: str
    title: str
    description: str
    rule: Rule


def leaves(rule: Rule) -> Iterator[Leaf]:
    """Give the rules that others are joined of, from left to right."""
    if isinstance(rule, Named):
        yield from leaves(rule.rule)
    elif isinstance(rule, Joined):
        for each in rule.rules:
            yield from leaves(each)
    else:
        yield rule


def columns_of(rule: Rule) -> list[str]:
    """Name the columns that a rule looks at, in the order in which they appear."""
    return list(dict.fromkeys(each.column for each in leaves(rule) if isinstance(each, Comparison)))


def lists_of(rule: Rule) -> list[str]:
    """Name the uploaded lists that a rule looks at."""
    return list(dict.fromkeys(each.name for each in leaves(rule) if isinstance(each, Listed)))


def named_in(rule: Rule) -> list[str]:
    """Name the other segments that a rule stands on, those that they stand on too."""
    if isinstance(rule, Named):
        return list(dict.fromkeys([rule.name, *named_in(rule.rule)]))
    if isinstance(rule, Joined):
        return list(dict.fromkeys(name for each in rule.rules for name in named_in(each)))
    return []


def looks_at_touches(rule: Rule) -> bool:
    """Say whether a rule looks at what somebody did."""
    return any(isinstance(each, Did | Sequence) for each in leaves(rule))
