"""What people decided, applied last: a merge makes one person of two, whatever the evidence says of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.identity.graph import Apart
from pipelines.identity.resolve import Resolution


@dataclass(frozen=True)
class Said:
    """Decisions by nodes, the earlier first: pairs that are one person, and pairs that are two."""

    merges: Apart
    apart: Apart

    @property
    def nodes(self) -> NDArray[np.uint64]:
        """Give all nodes that people decided about."""
        return np.concatenate([self.merges.one, self.merges.other, self.apart.one, self.apart.other])


def merge_decided(resolution: Resolution, said: Said) -> tuple[Resolution, list[tuple[int, int, int]]]:
    """Make one person of each two that people said are one, with all that evidence gave to either.

    A merge that would bring together what a split keeps apart, over other records of the same people, is not
    applied: the second value names these as (node, node, which split).
    """
    person = resolution.settled.person
    pairs = list(_numbers(resolution, said.merges))
    splits = list(_numbers(resolution, said.apart))
    became: dict[int, int] = {}
    refused: list[tuple[int, int, int]] = []
    for at, (one, other) in enumerate(pairs):
        left, right = sorted((_root(became, one), _root(became, other)))
        if left == right:
            continue
        kept_apart = _split_between(splits, became, left, right)
        if kept_apart is None:
            became[right] = left
        else:
            refused.append((int(said.merges.one[at]), int(said.merges.other[at]), kept_apart))
    if became:
        person = person.copy()
        old = np.array(sorted(became), dtype=person.dtype)
        new = np.array([_root(became, number) for number in old.tolist()], dtype=person.dtype)
        moved = np.isin(person, old)
        person[moved] = new[np.searchsorted(old, person[moved])]
    settled = replace(resolution.settled, person=person)
    held = settled.refused
    settled = replace(settled, refused=held.take(person[held.one] != person[held.other]))
    return replace(resolution, settled=settled), refused


def _numbers(resolution: Resolution, pairs: Apart) -> Iterator[tuple[int, int]]:
    one, other = resolution.persons(pairs.one), resolution.persons(pairs.other)
    yield from zip(one.tolist(), other.tolist(), strict=True)


def _root(became: dict[int, int], number: int) -> int:
    while number in became:
        number = became[number]
    return number


def _split_between(
    splits: list[tuple[int, int]], became: dict[int, int], left: int, right: int
) -> int | None:
    for which, (one, other) in enumerate(splits):
        if {_root(became, one), _root(became, other)} == {left, right}:
            return which
    return None
