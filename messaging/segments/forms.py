"""A segment as the lines of a form: conditions, each of which holds or does not, joined by all or any, in groups one deep.

What no form can show (a sequence, a group within a group, a touch named by more than its kind) is a line of its own that
keeps its rule and is told in words: nothing is lost by editing the lines around it. Pure: rule_of(form_of(rule)) means
what the rule did.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from data_contracts.contracts import published_contract
from data_contracts.model import Column, Contract
from messaging.segments.reading import MOST_DAYS, TIMELINE, kind_of, possible_values
from messaging.segments.rules import (
    Ago,
    Comparison,
    Did,
    Joined,
    Listed,
    Named,
    Rule,
    Segment,
    Touches,
    Value,
)

Word = Literal["all", "any"]
Path = tuple[int, ...]  # (line,) or (group, line)

TESTS_OF: Mapping[str, tuple[str, ...]] = {  # those that a form offers, by what a column holds
    "number": (">=", "<=", "=", "!=", ">", "<", "between", "is not null", "is null"),
    "moment": ("newer than days", "older than days", ">=", "<", "between", "is not null", "is null"),
    "truth": ("=", "!=", "is not null", "is null"),
    "text": ("=", "!=", "contains", "in", "not in", "is not null", "is null"),
    "choice": ("in", "not in", "=", "!=", "is not null", "is null"),
}
VALUELESS = ("is null", "is not null")
SEVERAL = ("in", "not in")
LARGEST_SHOWN = 2**53 - 1  # beyond it a browser's numbers are no whole numbers any more


@dataclass(frozen=True)
class Line:
    """One condition; `negated` people are those for whom it does not hold."""

    rule: Rule
    negated: bool = False


@dataclass(frozen=True)
class Group:
    """Lines joined by a word."""

    word: Word
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Form:
    """What the form shows: lines and groups of lines, joined by a word."""

    word: Word
    items: tuple[Line | Group, ...]


def form_of(rule: Rule) -> Form:
    """Lay a rule out as a form."""
    if isinstance(rule, Joined) and rule.word in {"all", "any"}:
        return Form(_word(rule), tuple(_item(each) for each in rule.rules))
    return Form("all", (_line(rule),))


def rule_of(form: Form) -> Rule:
    """Give the rule that a form shows."""
    return Joined(form.word, tuple(_rule(each) for each in form.items))


def lines_of(form: Form) -> Iterator[tuple[Path, Line]]:
    """Give each line with the way to it."""
    for number, item in enumerate(form.items):
        if isinstance(item, Line):
            yield (number,), item
        else:
            yield from (((number, inner), line) for inner, line in enumerate(item.lines))


def changed(form: Form, path: Path, line: Line | None) -> Form:
    """Put another line in the place of one, or nothing; a group without a line goes too."""
    first, *inner = path
    item = form.items[first]
    if inner and isinstance(item, Group):
        lines = _put(item.lines, inner[0], line)
        return replace(form, items=_put(form.items, first, replace(item, lines=lines) if lines else None))
    return replace(form, items=_put(form.items, first, line))


def added(form: Form, line: Line, group: int | None = None) -> Form:
    """Add a line at the end of the form, or of one of its groups."""
    item = form.items[group] if group is not None else None
    if group is not None and isinstance(item, Group):
        return replace(form, items=_put(form.items, group, replace(item, lines=(*item.lines, line))))
    return replace(form, items=(*form.items, line))


def grouped(form: Form, line: Line) -> Form:
    """Add a group of one line, joined by the word that the form is not."""
    return replace(form, items=(*form.items, Group("any" if form.word == "all" else "all", (line,))))


def joined_by(form: Form, word: Word, group: int | None = None) -> Form:
    """Join the form, or one of its groups, by another word."""
    item = form.items[group] if group is not None else None
    if group is not None and isinstance(item, Group):
        return replace(form, items=_put(form.items, group, replace(item, word=word)))
    return replace(form, word=word)


# --- what a line may be about: `column:NAME`, `did:KIND`, `list:NAME`, `segment:NAME`


def about(line: Line) -> str | None:
    """Name what a line is about; None where only the YAML can change it."""
    rule = line.rule
    match rule:
        case Comparison():
            return f"column:{rule.column}" if _fits(rule) else None
        case Did():
            return f"did:{rule.touches.columns[0][1][0]}" if _is_plain(rule) else None
        case Listed():
            return f"list:{rule.name}"
        case Named():
            return f"segment:{rule.name}"
        case _:
            return None


def subjects(
    contract: Contract, lists: Iterator[str] | list[str], others: Mapping[str, Segment]
) -> list[str]:
    """Name everything that a line can be about."""
    kinds = possible_values(published_contract(TIMELINE).column("kind"))
    return [
        *(f"column:{column.name}" for column in contract.columns if column.name != "customer_id"),
        *(f"did:{kind}" for kind in sorted(kinds)),
        *(f"segment:{name}" for name in others),
        *(f"list:{name}" for name in lists),
    ]


def first_line(subject: str, contract: Contract, others: Mapping[str, Segment], as_of: datetime) -> Line:
    """Make a condition about something that can be saved as it is, to change from there."""
    kind, _, name = subject.partition(":")
    if kind == "did":
        return Line(Did(Touches((("kind", (name,)),)), Ago(0, 90)))
    if kind == "list":
        return Line(Listed(name))
    if kind == "segment":
        return Line(Named(name, others[name].title, others[name].rule))
    column = contract.column(name)
    return Line(with_test(Comparison(name, "is not null"), offered_tests(column)[0], column, as_of))


def shape(column: Column) -> str:
    """Say how a column's values are chosen: number, moment, truth, text, or choice of what its contract lists."""
    kind = kind_of(column)
    return "choice" if kind == "text" and possible_values(column) else kind


def offered_tests(column: Column) -> tuple[str, ...]:
    """Name the tests that make sense of a column."""
    return TESTS_OF[shape(column)]


def with_test(rule: Comparison, test: str, column: Column, as_of: datetime) -> Comparison:
    """Compare by another test; values stay where they fit it, or else are such as may stand there."""
    if test in VALUELESS:
        return Comparison(rule.column, test)
    ages = test.endswith("than days")
    was_ages = rule.test.endswith("than days")
    kept = rule.values if ages == was_ages else ()
    first: Value = kept[0] if kept else _default(column, as_of, ages=ages)
    if test == "between":
        return Comparison(rule.column, test, (first, kept[1] if len(kept) > 1 else first))
    if test in SEVERAL:
        return Comparison(rule.column, test, kept or (first,))
    return Comparison(rule.column, test, (first,))


def _default(column: Column, as_of: datetime, *, ages: bool) -> Value:
    if ages:
        return 30
    day = datetime(as_of.year, as_of.month, as_of.day)
    by_shape: dict[str, Value] = {"number": 1, "moment": day, "truth": True, "text": ""}
    found = shape(column)
    return min(map(str, possible_values(column))) if found == "choice" else by_shape[found]


def _fits(rule: Comparison) -> bool:
    """Say whether widgets can show the values: days without an hour, and no larger numbers than browsers know."""
    numbers = [each for each in rule.values if isinstance(each, int)]
    moments = [each for each in rule.values if isinstance(each, datetime)]
    if rule.test in SEVERAL and not all(isinstance(each, str) for each in rule.values):
        return False
    return all(abs(each) <= LARGEST_SHOWN for each in numbers) and all(
        each == datetime(each.year, each.month, each.day) for each in moments
    )


def _is_plain(rule: Did) -> bool:
    """Say whether a behaviour is of one kind, so often, and lately or ever."""
    touches, ago = rule.touches, rule.ago
    named = [name for name, _ in touches.columns]
    plain = named == ["kind"] and len(touches.columns[0][1]) == 1
    amounts = touches.at_least_minor is not None or touches.at_most_minor is not None
    often = rule.at_most is None or rule.at_least in {0, rule.at_most}
    return plain and often and not (amounts or ago.nearest) and rule.at_least <= MOST_DAYS


def _word(rule: Joined) -> Word:
    return "any" if rule.word == "any" else "all"


def _item(rule: Rule) -> Line | Group:
    if isinstance(rule, Joined) and rule.word != "not":
        if all(not isinstance(each, Joined) or each.word == "not" for each in rule.rules):
            return Group(_word(rule), tuple(_line(each) for each in rule.rules))
        return Line(rule)
    return _line(rule)


def _line(rule: Rule) -> Line:
    if isinstance(rule, Joined) and rule.word == "not" and not isinstance(rule.rules[0], Joined):
        return Line(rule.rules[0], negated=True)
    return Line(rule)


def _rule(item: Line | Group) -> Rule:
    if isinstance(item, Group):
        return Joined(item.word, tuple(_rule(each) for each in item.lines))
    return Joined("not", (item.rule,)) if item.negated else item.rule


def _put(items: tuple[Any, ...], at: int, item: Any) -> tuple[Any, ...]:
    return (*items[:at], *(() if item is None else (item,)), *items[at + 1 :])
