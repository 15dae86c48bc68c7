"""Who is whom: nodes that evidence ties together, directly or through others, are one person.

Connected components by scipy.sparse.csgraph: the least CPU of ten methods at 1M and 5M edges, and a chain of
100,000 costs no more than a star (measured 2026-11-21). Plain components collapse under ordinary noise (one
"person" of 24,308 in a trial), so each component is held against the rules, and only those that break one
are taken apart and built again edge by edge (`constrained.py`).

What a component becomes depends on its own edges and on nothing else, which is why `incremental.py` may read
again only those that changed, and gives the same people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipelines.identity.constrained import holdings, peel, unite
from pipelines.identity.graph import NO_LIMIT, Apart, Facts, Graph, Hashes, Places, Refused, Rules
from pipelines.identity.nodes import Nodes, numbered

MANY_VALUES = 8  # a component with more values of a fact is read edge by edge without comparing each pair


@dataclass(frozen=True)
class Edges:
    """The evidence by the places of its nodes, one entry per edge."""

    one: NDArray[np.int32]
    other: NDArray[np.int32]
    rank: NDArray[np.int16]
    strength: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.one)

    def take(self, rows: NDArray[np.generic]) -> "Edges":
        """Give the edges of some rows, by place or by mask."""
        return Edges(self.one[rows], self.other[rows], self.rank[rows], self.strength[rows])

    @classmethod
    def together(cls, parts: Sequence["Edges"]) -> "Edges":
        """Give the edges of all parts."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([each.one for each in parts]),
            np.concatenate([each.other for each in parts]),
            np.concatenate([each.rank for each in parts]),
            np.concatenate([each.strength for each in parts]),
        )


@dataclass(frozen=True)
class Known:
    """Facts by the places of their nodes, one entry per fact."""

    node: Places
    rule: NDArray[np.int64]
    value: NDArray[np.int64]

    def take(self, rows: NDArray[np.generic]) -> "Known":
        """Give the facts of some rows, by place or by mask."""
        return Known(self.node[rows], self.rule[rows], self.value[rows])


@dataclass(frozen=True)
class Pairs:
    """Nodes that people said are two, by place; `pair` says which entry of Apart each is."""

    one: Places
    other: Places
    pair: Places


@dataclass(frozen=True)
class Placed:
    """All that decides who some nodes are, which are numbered from 0 by their places: one limit per node."""

    nodes: Nodes
    limit: NDArray[np.int16]
    edges: Edges
    known: Known
    apart: Pairs
    rules: Rules


@dataclass(frozen=True)
class Settled:
    """What nodes became: the component (all evidence followed) and the person (the rules kept) of each, by place.

    Numbers lie under `numbers` and mean nothing else; one person of a component has the component's. `broken`
    says of each number whether that component broke a rule; `refused` is the evidence that was not followed.
    """

    component: NDArray[np.int32]
    person: NDArray[np.int32]
    broken: NDArray[np.bool_]
    refused: Refused

    @property
    def numbers(self) -> int:
        """Give the first number that is nobody's."""
        return len(self.broken)


@dataclass(frozen=True)
class Resolution:
    """Who each node belongs to, and all that a later batch has to know: see Placed and Settled.

    `batches` are the edges as they came: they are put together where somebody has to read them.
    """

    nodes: Nodes
    limit: NDArray[np.int16]
    batches: tuple[Edges, ...]
    known: Known
    apart: Apart
    rules: Rules
    settled: Settled

    @property
    def edges(self) -> Edges:
        """Give all edges."""
        return Edges.together(self.batches)

    def persons(self, hashes: Hashes) -> NDArray[np.int32]:
        """Give the person of each node. Every node has to be here."""
        return self.settled.person[self.nodes.places(hashes)]


def resolve(
    graph: Graph, rules: Rules | None = None, facts: Facts | None = None, apart: Apart | None = None
) -> Resolution:
    """Group nodes into people. The order of the edges makes no difference to who is with whom."""
    rules, facts, apart = rules or Rules(), facts or Facts(), apart or Apart()
    hashes, place = numbered(np.concatenate([graph.one, graph.other]))
    nodes = Nodes((hashes,))
    edges = Edges(place[: len(graph)], place[len(graph) :], graph.rank, graph.strength)
    limit = np.full(len(nodes), NO_LIMIT, dtype=np.int16)
    if rules.limits:
        limit[edges.one] = graph.one_limit
        limit[edges.other] = graph.other_limit
    known = place_facts(nodes, facts)
    settled = settle(Placed(nodes, limit, edges, known, place_apart(nodes, apart), rules))
    return Resolution(nodes, limit, (edges,), known, apart, rules, settled)


def place_facts(nodes: Nodes, facts: Facts) -> Known:
    """Give facts by the places of their nodes; those of nodes that no evidence names are left out."""
    place = nodes.places(facts.node)
    here = place >= 0
    return Known(place[here], facts.rule[here].astype(np.int64), facts.value[here].astype(np.int64))


def place_apart(nodes: Nodes, apart: Apart) -> Pairs:
    """Give the places of the nodes that are kept apart; pairs of which no evidence names one are left out."""
    one, other = nodes.places(apart.one), nodes.places(apart.other)
    pair = np.flatnonzero((one >= 0) & (other >= 0))
    return Pairs(one[pair], other[pair], pair)


def settle(placed: Placed) -> Settled:
    """Find the people among nodes by everything that is known of them."""
    edges, known, apart = placed.edges, placed.known, placed.apart
    component = components(len(placed.nodes), edges.one, edges.other)
    count = int(component.max(initial=-1)) + 1
    broken = breaks(component, count, placed)
    if not broken.any():
        return Settled(component, component, broken, no_refused())
    inside = np.flatnonzero(broken[component])
    local = np.full(len(placed.nodes), -1, dtype=np.int32)
    local[inside] = np.arange(len(inside))
    mine, pairs = local[known.node] >= 0, _local_pairs(apart, local)
    held = holdings(
        placed.limit[inside], (local[known.node[mine]], known.rule[mine], known.value[mine]), pairs
    )
    theirs = np.flatnonzero(broken[component[edges.one]])
    bare = np.ones(len(inside), dtype=np.bool_)
    bare[list(held.limited.keys() | held.facts.keys() | held.sides.keys())] = False
    rest, followers = peel(local[edges.one[theirs]], local[edges.other[theirs]], bare)
    theirs = theirs[rest]
    theirs = theirs[_order(placed.nodes, edges, theirs)]
    root, refusals = unite(
        (local[edges.one[theirs]], local[edges.other[theirs]], edges.rank[theirs]),
        held,
        placed.rules,
        len(inside),
    )
    for leaf, neighbour in reversed(followers):
        root[leaf] = root[neighbour]
    person = component.copy()
    person[inside] = _numbers(root, component[inside], count)
    rows = theirs[np.array([row[0] for row in refusals], dtype=np.int64)]
    rule, which, would_be = (np.array([row[at] for row in refusals], dtype=np.int64) for at in (1, 2, 3))
    refused = Refused(
        edges.one[rows], edges.other[rows], edges.rank[rows], rule.astype(np.int8), which, would_be
    )
    numbers = np.zeros(int(person.max()) + 1, dtype=np.bool_)
    numbers[:count] = broken
    # a weaker edge that no rule concerns may have brought both ends together after all
    return Settled(component, person, numbers, refused.take(person[refused.one] != person[refused.other]))


def _local_pairs(apart: Pairs, local: NDArray[np.int32]) -> dict[int, tuple[int, int]]:
    sides = local[apart.one], local[apart.other]
    return {
        int(pair): (int(one), int(other))
        for pair, one, other in zip(apart.pair, *sides, strict=True)
        if one >= 0 and other >= 0
    }


def components(nodes: int, one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give each node the number of its component; edge i ties node `one[i]` to node `other[i]`."""
    if nodes == 0:
        return np.zeros(0, dtype=np.int32)
    graph = csr_array((np.ones(len(one)), (one, other)), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def breaks(component: NDArray[np.int32], count: int, placed: Placed) -> NDArray[np.bool_]:
    """Say of each of `count` components whether it breaks a rule, or may. One entry of `component` per node."""
    broken = np.zeros(count, dtype=np.bool_)
    for code, most in enumerate(placed.rules.limits):
        of_limit = component[placed.limit == code]
        if len(of_limit) > most:
            broken |= np.bincount(of_limit, minlength=count) > most
    for code, rule in enumerate(placed.rules.facts):
        mine = placed.known.rule == code
        for number, values in _values(component[placed.known.node[mine]], placed.known.value[mine]):
            many = len(values) > MANY_VALUES
            broken[number] |= many or not all(rule.alike(*pair) for pair in combinations(values, 2))
    one, other = component[placed.apart.one], component[placed.apart.other]
    broken[one[one == other]] = True
    return broken


def _values(component: NDArray[np.int32], value: NDArray[np.int64]) -> Iterator[tuple[int, list[int]]]:
    """Give each component that has more than one value of a fact, with its values."""
    if not len(component):
        return
    order = np.lexsort((value, component))
    numbers, values = component[order], value[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (numbers[1:] != numbers[:-1]) | (values[1:] != values[:-1])
    numbers, values = numbers[new], values[new]
    found, first, sizes = np.unique(numbers, return_index=True, return_counts=True)
    several = sizes > 1
    for number, start, size in zip(found[several], first[several], sizes[several], strict=True):
        yield int(number), values[start : start + size].tolist()


def _order(nodes: Nodes, edges: Edges, rows: Places) -> Places:
    """Order edges by rank, then strength, then the hashes of both ends, whichever was named first."""
    one, other = nodes.at(edges.one[rows]), nodes.at(edges.other[rows])
    return np.lexsort(
        (np.maximum(one, other), np.minimum(one, other), -edges.strength[rows], edges.rank[rows])
    )


def _numbers(root: Places, component: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Give each node its person's number: one person of a component keeps its number, others begin at `count`."""
    _, first, person = np.unique(root, return_index=True, return_inverse=True)
    of_component = component[first]
    number = np.arange(count, count + len(first), dtype=np.int32)
    _, eldest = np.unique(of_component, return_index=True)
    number[eldest] = of_component[eldest]
    return number[person]


def no_refused() -> Refused:
    """Give no refused edge."""
    none, places = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return Refused(places, places, none.astype(np.int16), none.astype(np.int8), none, none)
