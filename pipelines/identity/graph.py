"""What the resolver works on: evidence as arrays of 64-bit hashes, and the rules as numbers.

Nothing here knows what an e-mail address is; `evidence.py` turns identifiers into this, and the answer back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]
NO_LIMIT = -1


class Refusal(IntEnum):
    """Which rule refused an edge."""

    DECIDED = 0
    LIMIT = 1
    CONFLICT = 2


@dataclass(frozen=True)
class Graph:
    """Evidence, one entry per edge between two nodes.

    `one` and `other` name the nodes; `one_limit` and `other_limit` say against which of the rules' limits
    each counts (NO_LIMIT: none). Edges of lower `rank` are followed first, of one rank those with more
    `strength`. An edge of a node to itself makes the node known and ties nothing.
    """

    one: Hashes
    other: Hashes
    one_limit: NDArray[np.int16]
    other_limit: NDArray[np.int16]
    rank: NDArray[np.int16]
    strength: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)

    @classmethod
    def of(
        cls,
        one: NDArray[np.generic],
        other: NDArray[np.generic],
        limits: tuple[NDArray[np.generic], NDArray[np.generic]] | None = None,
        rank: NDArray[np.generic] | None = None,
        strength: NDArray[np.generic] | None = None,
    ) -> Self:
        """Make a graph of plain arrays; without limits, ranks or strengths all edges and nodes are alike."""
        size = len(one)
        none = np.full(size, NO_LIMIT, dtype=np.int16)
        one_limit, other_limit = limits if limits is not None else (none, none)
        return cls(
            one.astype(np.uint64, copy=False),
            other.astype(np.uint64, copy=False),
            one_limit.astype(np.int16, copy=False),
            other_limit.astype(np.int16, copy=False),
            np.ones(size, dtype=np.int16) if rank is None else rank.astype(np.int16, copy=False),
            np.ones(size, dtype=np.int64) if strength is None else strength.astype(np.int64, copy=False),
        )

    def take(self, rows: NDArray[np.generic]) -> "Graph":
        """Give the edges of some rows, by place or by mask."""
        return Graph(
            self.one[rows],
            self.other[rows],
            self.one_limit[rows],
            self.other_limit[rows],
            self.rank[rows],
            self.strength[rows],
        )

    def beside(self, more: "Graph") -> "Graph":
        """Give both graphs' edges, this one's first."""
        return Graph(
            np.concatenate([self.one, more.one]),
            np.concatenate([self.other, more.other]),
            np.concatenate([self.one_limit, more.one_limit]),
            np.concatenate([self.other_limit, more.other_limit]),
            np.concatenate([self.rank, more.rank]),
            np.concatenate([self.strength, more.strength]),
        )


def _no_hashes() -> Hashes:
    return np.zeros(0, dtype=np.uint64)


def _no_codes() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Facts:
    """What records say of a person beside identifiers: per entry a node, which fact rule, and the value's code."""

    node: Hashes = field(default_factory=_no_hashes)
    rule: NDArray[np.int64] = field(default_factory=_no_codes)
    value: NDArray[np.int64] = field(default_factory=_no_codes)

    def take(self, rows: NDArray[np.generic]) -> "Facts":
        """Give the facts of some rows, by place or by mask."""
        return Facts(self.node[rows], self.rule[rows], self.value[rows])


@dataclass(frozen=True)
class Apart:
    """Pairs of nodes that people said are two: entry by entry `one` is not `other`."""

    one: Hashes = field(default_factory=_no_hashes)
    other: Hashes = field(default_factory=_no_hashes)

    def take(self, rows: NDArray[np.generic]) -> "Apart":
        """Give some of the pairs, by place or by mask."""
        return Apart(self.one[rows], self.other[rows])


@dataclass(frozen=True)
class FactRule:
    """A fact on which one person's records agree.

    `alike` says of two values' codes whether both can be one person's; edges whose rank is in `refuses` are
    not followed where they cannot. `same` says whether they are known to be: what may be a typing error is
    no conflict, and no agreement either.
    """

    alike: Callable[[int, int], bool]
    refuses: frozenset[int]
    same: Callable[[int, int], bool]


@dataclass(frozen=True)
class Rules:
    """How many nodes of each limit one person may hold, and what facts have to agree.

    `lifted` names limits that do not hold between two who are known to agree on all of some fact rules: a
    second account of somebody with the same name and birth date.
    """

    limits: tuple[int, ...] = ()
    facts: tuple[FactRule, ...] = ()
    lifted: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """Edges that were not followed, one entry each.

    `one` and `other` are places of nodes in the resolution; `rule` is a Refusal; `which` the limit, the fact
    rule or the pair of `Apart`; `would_be` how many nodes of the limit the person would have held.
    """

    one: NDArray[np.int32]
    other: NDArray[np.int32]
    rank: NDArray[np.int16]
    rule: NDArray[np.int8]
    which: NDArray[np.int64]
    would_be: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)

    def take(self, rows: NDArray[np.generic]) -> "Refused":
        """Give some of the refused edges, by place or by mask."""
        return Refused(
            self.one[rows],
            self.other[rows],
            self.rank[rows],
            self.rule[rows],
            self.which[rows],
            self.would_be[rows],
        )
