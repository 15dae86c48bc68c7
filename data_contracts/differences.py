"""What differs between two versions of a contract, and whether those who read the table can go on as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from data_contracts.model import Column, Contract, Rule, SetRule


@dataclass(frozen=True)
class Difference:
    """One thing that changed. breaking: a reader of the table, or a writer to it, may fail; compatible: neither does."""

    kind: Literal["breaking", "compatible"]
    what: str


def diff(old: Contract, new: Contract) -> list[Difference]:
    """Compare two versions of a contract, the breaking differences first."""
    found = [*_columns(old, new), *_rules(old, new), *_threshold(old, new)]
    return sorted(found, key=lambda difference: difference.kind != "breaking")


def _columns(old: Contract, new: Contract) -> Iterator[Difference]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    for name in [name for name in before if name not in after]:
        yield Difference("breaking", f"the column {name} is gone")
    for name in [name for name in after if name not in before]:
        column = after[name]
        need = " and has to be given" if column.required else ""
        yield Difference(
            "breaking" if column.required else "compatible", f"the column {name} ({column.type}) is new{need}"
        )
    for name in [name for name in after if name in before]:
        yield from _column(before[name], after[name])


def _column(old: Column, new: Column) -> Iterator[Difference]:
    if old.type != new.type:
        yield Difference("breaking", f"the column {new.name} was {old.type} and is {new.type}")
    if old.required != new.required:
        # a reader that relied on a value being there fails when it may be missing; a writer, the other way round
        yield Difference(
            "breaking",
            f"the column {new.name} {'has to be given now' if new.required else 'may be missing now'}",
        )
    if old.classification != new.classification:
        yield Difference(
            "breaking", f"the column {new.name} was {old.classification} and is {new.classification} data"
        )


def _rules(old: Contract, new: Contract) -> Iterator[Difference]:
    before, after = _own_rules(old), _own_rules(new)
    shared = {column.name for column in old.columns} & {column.name for column in new.columns}
    for name, rule in before.items():
        if name not in after and set(rule.columns) <= shared:
            yield Difference("compatible", f"the rule {name} is gone ({rule.sentence})")
    for name, rule in after.items():
        if name not in before and set(rule.columns) <= shared:
            yield Difference(_weight(rule), f"the rule {name} is new ({rule.sentence})")
        elif name in before and before[name] != rule:
            yield Difference(_weight(rule), f"the rule {name} changed ({rule.sentence})")


def _own_rules(contract: Contract) -> dict[str, Rule | SetRule]:
    """Leave out the rules that follow from a column's type and its `required`, which are compared as such."""
    return {rule.name: rule for rule in contract.rules if not _follows(rule)}


def _follows(rule: Rule | SetRule) -> bool:
    return isinstance(rule, Rule) and (rule.check == "type" or (rule.check == "present" and not rule.where))


def _threshold(old: Contract, new: Contract) -> Iterator[Difference]:
    if old.quarantine_threshold != new.quarantine_threshold:
        kind: Literal["breaking", "compatible"] = (
            "breaking" if new.quarantine_threshold < old.quarantine_threshold else "compatible"
        )
        yield Difference(
            kind,
            f"the share that may be set aside was {old.quarantine_threshold:.1%} and is {new.quarantine_threshold:.1%}",
        )


def _weight(rule: Rule | SetRule) -> Literal["breaking", "compatible"]:
    return "breaking" if rule.severity == "critical" else "compatible"
