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
class Parted:
    """The ids that somebody shared until a split, and of those who are one again: (id, until, again) as in KnownAs."""

    shared: Shared = field(default_factory=dict)
    rejoined: set[tuple[str, datetime, datetime]] = field(default_factory=set)

    def add(self, other: "Parted") -> None:
        """Take over what is known of somebody who is the same person; of two moments of one id, the later counts."""
        keep_latest(self.shared, other.shared)
        self.rejoined |= other.rejoined


@dataclass
class _Person:
    """Who goes by an id while the journal is gone through: the ids that are theirs, and what splits left them."""

    ids: set[str]
    parted: Parted = field(default_factory=Parted)


def partings(became: Mapping[str, str], changes: Iterable[Change]) -> dict[str, Parted]:
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
    return {customer_id: person.parted for customer_id, person in people.items() if person.parted.shared}


def _split(people: dict[str, _Person], taken: dict[str, set[str]], lines: Sequence[Change]) -> None:
    before: dict[str, tuple[set[str], Parted]] = {}
    for line in lines:
        whole = _person(people, line.other)
        before[line.other] = set(whole.ids), Parted(dict(whole.parted.shared), set(whole.parted.rejoined))
    for line in lines:
        ids, parted = before[line.other]
        moments = Parted(dict.fromkeys(ids, line.until))
        for part in (line.customer_id, line.other):
            _person(people, part).parted.add(parted)
            _person(people, part).parted.add(moments)
        own = taken.pop(line.customer_id, set()) | {
            line.customer_id
        }  # an id may come back from before its merge
        _person(people, line.customer_id).ids |= own
        _person(people, line.other).ids -= own


def _merge(people: dict[str, _Person], taken: dict[str, set[str]], line: Change) -> None:
    stays, goes = _person(people, line.customer_id), _person(people, line.other)
    taken[line.other] = set(goes.ids)
    again = {
        (customer_id, until, line.until)
        for side in (stays, goes)
        for customer_id, until in side.parted.shared.items()
        if customer_id not in side.ids
    }
    stays.ids |= goes.ids
    stays.parted.add(goes.parted)
    stays.parted.rejoined |= again


def keep_latest(shared: Shared, more: Mapping[str, datetime]) -> Shared:
    """Add moments to those that are known: of two of one id, the later counts."""
    for customer_id, until in more.items():
        shared[customer_id] = max(shared.get(customer_id, until), until)
    return shared


def _person(people: dict[str, _Person], customer_id: str) -> _Person:
    return people.setdefault(customer_id, _Person({customer_id}))
