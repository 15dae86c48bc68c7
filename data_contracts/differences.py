"""What differs between two versions of a contract, and whether those who read the table can go on as they are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from data_contracts.durations import in_words
from data_contracts.model import Bound, Column, Contract, Rule, SetRule
from data_contracts.sentences import span

Kind = Literal["breaking", "compatible"]
# whom it concerns: those who read the columns, those who fill them, those who do not fill them, all who fill the table
Concerns = Literal["readers", "writers", "lacking", "everybody", "nobody"]
DAYS = {"Y": 365, "M": 30, "W": 7, "D": 1, "H": 1 / 24}  # near enough to tell shorter from longer


@dataclass(frozen=True)
class Difference:
    """One thing that changed. breaking: a reader of the table, or a writer to it, may fail; compatible: neither does."""

    kind: Kind
    what: str
    columns: tuple[str, ...] = ()
    concerns: Concerns = "nobody"


def diff(old: Contract, new: Contract) -> list[Difference]:
    """Compare two versions of a contract, the breaking differences first."""
    found = [*_columns(old, new), *_rules(old, new), *_table(old, new)]
    return sorted(found, key=lambda difference: difference.kind != "breaking")


def _columns(old: Contract, new: Contract) -> Iterator[Difference]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    for name in [name for name in before if name not in after]:
        yield Difference("breaking", f"the column {name} is gone", (name,), "everybody")
    for name in [name for name in after if name not in before]:
        column = after[name]
        need = " and has to be given" if column.required else ""
        kind: Kind = "breaking" if column.required else "compatible"
        what = f"the column {name} ({column.type}) is new{need}"
        yield Difference(kind, what, (name,), "lacking" if column.required else "nobody")
    for name in [name for name in after if name in before]:
        yield from _column(before[name], after[name])
        follows = (before[name].retention, after[name].retention) == (old.retention, new.retention)
        if not follows:  # what changes with the table is told once
            yield from _retention(
                f"the column {name}", before[name].retention, after[name].retention, (name,)
            )


def _column(old: Column, new: Column) -> Iterator[Difference]:
    name = (new.name,)
    if old.type != new.type:
        what = f"the column {new.name} was {old.type} and is {new.type}"
        yield Difference("breaking", what, name, "everybody")
    if old.required != new.required:
        # a reader that relied on a value being there fails when it may be missing; a writer, the other way round
        what = f"the column {new.name} {'has to be given now' if new.required else 'may be missing now'}"
        yield Difference("breaking", what, name, "lacking" if new.required else "readers")
    if old.classification != new.classification:
        what = f"the column {new.name} was {old.classification} and is {new.classification} data"
        yield Difference("breaking", what, name, "readers")


def _rules(old: Contract, new: Contract) -> Iterator[Difference]:
    before = {rule.name: rule for rule in old.rules}
    after = {rule.name: rule for rule in new.rules}
    shared = {column.name for column in old.columns} & {column.name for column in new.columns}
    for name, rule in before.items():
        if name not in after and set(rule.columns) <= shared and not _follows(rule):
            yield Difference("compatible", f"the rule {name} is gone ({rule.sentence})", rule.columns)
    for name, rule in after.items():
        if name not in before and set(rule.columns) <= shared and not _follows(rule):
            yield _new_rule(rule)
        elif name in before and before[name] != rule:
            yield from _changed_rule(before[name], rule, _inherits(old, before[name]), _inherits(new, rule))


def _new_rule(rule: Rule | SetRule) -> Difference:
    kind: Kind = "breaking" if rule.severity == "critical" else "compatible"
    return Difference(kind, f"the rule {rule.name} is new ({rule.sentence})", rule.columns, "writers")


def _inherits(contract: Contract, rule: Rule | SetRule) -> tuple[bool, bool]:
    """Say whether a rule takes its threshold, and its owner, from the contract, whose change is told once."""
    return rule.threshold == contract.quarantine_threshold, rule.owner == contract.owner


def _changed_rule(
    old: Rule | SetRule, new: Rule | SetRule, before: tuple[bool, bool], after: tuple[bool, bool]
) -> Iterator[Difference]:
    """Tell a rule's threshold, owner and words apart from what it judges."""
    if old.threshold != new.threshold and not (before[0] and after[0]) and new.severity == "critical":
        stricter = new.threshold < old.threshold
        what = f"the rule {new.name} allowed {old.threshold:.1%} of a batch and allows {new.threshold:.1%}"
        yield Difference("breaking" if stricter else "compatible", what, new.columns, "writers")
    if old.owner != new.owner and not (before[1] and after[1]):
        what = f"{new.owner or 'nobody'} answers for the rule {new.name}, which was {old.owner or 'nobody'}'s"
        yield Difference("compatible", what, new.columns)
    if _judged(old) != _judged(new):
        if (
            isinstance(new, SetRule)
            and isinstance(old, SetRule)
            and (old.check, new.check) == ("freshness",) * 2
        ):
            what = f"the newest row might be {span(old.hours)} old and may be {span(new.hours)} old now"
        else:
            what = f"the rule {new.name} changed ({new.sentence})"
        strict = new.severity == "critical" and not _looser(old, new)
        yield Difference("breaking" if strict else "compatible", what, new.columns, "writers")
    elif old.sentence != new.sentence and not _follows(new):
        yield Difference("compatible", f"the rule {new.name} reads differently ({new.sentence})", new.columns)


def _judged(rule: Rule | SetRule) -> Rule | SetRule:
    return replace(rule, owner="", threshold=0, sentence="")


def _looser(old: Rule | SetRule, new: Rule | SetRule) -> bool:
    """Say whether whatever kept the old rule keeps the new one."""
    if isinstance(old, SetRule) or isinstance(new, SetRule):
        return isinstance(old, SetRule) and isinstance(new, SetRule) and _looser_set(old, new)
    same = replace(old, values=(), minimum=None, maximum=None, severity="critical") == replace(
        new, values=(), minimum=None, maximum=None, severity="critical", owner=old.owner,
        threshold=old.threshold, sentence=old.sentence,
    )  # fmt: skip
    bounds = _below(new.minimum, old.minimum) and _below(old.maximum, new.maximum, open_end=True)
    return same and old.severity == "critical" and set(old.values) <= set(new.values) and bounds


def _looser_set(old: SetRule, new: SetRule) -> bool:
    return _judged(replace(old, hours=new.hours, minimum=new.minimum)) == _judged(new) and (
        new.hours >= old.hours and new.minimum <= old.minimum
    )


def _below(low: Bound | None, high: Bound | None, *, open_end: bool = False) -> bool:
    """Compare two bounds of one kind; a missing lower one is lowest, a missing upper one highest."""
    if low is None or high is None:
        return (high is None) if open_end else (low is None)
    return str(low) <= str(high) if isinstance(low, str) or isinstance(high, str) else low <= high


def _follows(rule: Rule | SetRule) -> bool:
    """Say whether the rule follows from a column's type and its `required`, which are compared as such."""
    return isinstance(rule, Rule) and (
        rule.check == "type" or (rule.check == "present" and rule.name == f"{rule.columns[0]}_present")
    )


def _table(old: Contract, new: Contract) -> Iterator[Difference]:
    if old.quarantine_threshold != new.quarantine_threshold:
        kind: Kind = "breaking" if new.quarantine_threshold < old.quarantine_threshold else "compatible"
        what = f"the share that may be set aside was {old.quarantine_threshold:.1%} and is {new.quarantine_threshold:.1%}"
        yield Difference(kind, what, (), "writers")
    if old.owner != new.owner:
        what = f"{new.owner or 'nobody'} answers for the table, which was {old.owner or 'nobody'}'s"
        yield Difference("compatible", what)
    yield from _retention("the table", old.retention, new.retention, ())


def _retention(what: str, old: str, new: str, columns: tuple[str, ...]) -> Iterator[Difference]:
    if old == new:
        return
    shorter = bool(new) and (not old or _days(new) < _days(old))  # a reader who looks further back finds less
    before, after = (in_words(each) if each else "without an end" for each in (old, new))
    kind: Kind = "breaking" if shorter else "compatible"
    yield Difference(kind, f"{what} was kept {before} and is kept {after}", columns, "readers")


def _days(duration: str) -> float:
    return int("".join(filter(str.isdigit, duration))) * DAYS[duration[-1]]
