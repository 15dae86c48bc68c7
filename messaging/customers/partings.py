"""Which ids people shared before a split parted them, and until when. Pure: the journal in, moments out.

What was recorded under an id while it was several people's is not known to be one's alone: all who were one until
the split keep each withdrawal. The journal is gone through build by build, the splits of a build before its merges,
for what a split cuts is what stood before that build.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

Shared = dict[str, datetime]


class Change(NamedTuple):
    """A line of the journal: `other` became part of `customer_id`, or `customer_id` was cut from `other`.

    `until` (naive UTC) is when readers may have seen the state before it for the last time.
    """

    build_id: str
    kind: Literal["merged", "split"]
    customer_id: str
    other: str
    until: datetime


@dataclass
class _Person:
    """Who goes by an id while the journal is gone through: the ids that are theirs, and those that they shared."""

    ids: set[str]
    shared: Shared = field(default_factory=dict)


def partings(became: Mapping[str, str], changes: Iterable[Change]) -> dict[str, Shared]:
    """Give the ids that each customer shared with others until a split, by every id that took part in one.

    `became` maps earlier ids to later ones, as `identity_alias` has them. Changes come build by build, in order.
    """
    changes = list(changes)
    told = {change.other for change in changes if change.kind == "merged"}
    people: dict[str, _Person] = {}
    taken: dict[str, set[str]] = {}  # an id that became part of another, and all that it brought along
    for old, current in became.items():
        if old not in told:  # merged before there was a journal
            _person(people, current).ids.add(old)
    for _, build in groupby(changes, key=lambda change: change.build_id):
        lines = list(build)
        _split(people, taken, [line for line in lines if line.kind == "split"])
        for line in lines:
            if line.kind == "merged":
                _merge(people, taken, line)
    return {customer_id: person.shared for customer_id, person in people.items() if person.shared}


def _split(people: dict[str, _Person], taken: dict[str, set[str]], lines: Sequence[Change]) -> None:
    before = {
        line.other: _Person(set(_person(people, line.other).ids), dict(_person(people, line.other).shared))
        for line in lines
    }
    for line in lines:
        whole = before[line.other]
        moments = dict.fromkeys(whole.ids, line.until)
        for part in (line.customer_id, line.other):
            keep_latest(keep_latest(_person(people, part).shared, whole.shared), moments)
        own = taken.pop(line.customer_id, set()) | {
            line.customer_id
        }  # an id may come back from before its merge
        _person(people, line.customer_id).ids |= own
        _person(people, line.other).ids -= own


def _merge(people: dict[str, _Person], taken: dict[str, set[str]], line: Change) -> None:
    stays, goes = _person(people, line.customer_id), _person(people, line.other)
    taken[line.other] = set(goes.ids)
    stays.ids |= goes.ids
    keep_latest(stays.shared, goes.shared)


def keep_latest(shared: Shared, more: Mapping[str, datetime]) -> Shared:
    """Add moments to those that are known: of two of one id, the later counts."""
    for customer_id, until in more.items():
        shared[customer_id] = max(shared.get(customer_id, until), until)
    return shared


def _person(people: dict[str, _Person], customer_id: str) -> _Person:
    return people.setdefault(customer_id, _Person({customer_id}))
