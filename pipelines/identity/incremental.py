"""More evidence, less evidence, other decisions: the people that these touch, and nobody else.

New edges join old components as if each component were one node: its limits are counted, its edges are not
read. Components that break a rule by it, that broke one before, or that lost something, are settled again
from all their edges. What a component becomes depends on its own edges alone, so the people are those of a
resolution from scratch (a property test holds them equal).
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.identity.graph import NO_LIMIT, Apart, Facts, Graph, Hashes, Places, Refusal, Refused
from pipelines.identity.nodes import Nodes
from pipelines.identity.resolve import (
    Edges,
    Known,
    Pairs,
    Placed,
    Resolution,
    Settled,
    breaks,
    components,
    place_apart,
    place_facts,
    settle,
)

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]


def _nothing() -> Hashes:
    return np.zeros(0, dtype=np.uint64)


def _no_edges() -> Graph:
    return Graph.of(_nothing(), _nothing())


@dataclass(frozen=True)
class Change:
    """What is different since a resolution.

    `added` are new edges, and `removed` the two ends of edges that are gone; an edge whose rank or strength
    changed is both. `facts` are further facts; nodes in `unsettled` forget theirs first. `apart` replaces all
    decisions that keep people apart.
    """

    added: Graph = field(default_factory=_no_edges)
    removed: tuple[Hashes, Hashes] = field(default_factory=lambda: (_nothing(), _nothing()))
    facts: Facts = field(default_factory=Facts)
    unsettled: Hashes = field(default_factory=_nothing)
    apart: Apart = field(default_factory=Apart)


def extend(before: Resolution, change: Change) -> Resolution:
    """Give the resolution of what was known before and of what changed since."""
    nodes, ends = before.nodes.with_new(np.concatenate([change.added.one, change.added.other]))
    batches, lost = _without(before, change.removed)
    added = _added(change.added, ends)
    old, new = before.settled, len(nodes) - len(before.nodes)
    limit = _limits(before, change.added, added, new)
    known, restless = _known(before, change, nodes)
    numbers = old.numbers + new
    alone = np.arange(old.numbers, numbers, dtype=np.int32)
    component, person = np.concatenate([old.component, alone]), np.concatenate([old.person, alone])
    broken = np.concatenate([old.broken, np.zeros(new, dtype=np.bool_)])

    dirty = np.zeros(numbers, dtype=np.bool_)
    dirty[component[np.concatenate([lost, restless])]] = True
    touched, joined = _join(component, added, numbers)
    dirty[joined[np.flatnonzero(dirty | (touched & broken))]] = True  # and whatever is joined to them
    inside = np.flatnonzero((touched & ~dirty[joined])[component])
    placed = Placed(nodes, limit, added, known, place_apart(nodes, change.apart), before.rules)
    dirty[_breaking(placed, inside, joined[component[inside]])] = True

    moved = np.flatnonzero((joined != np.arange(numbers))[component])
    component[moved] = joined[component[moved]]
    clean = inside[~dirty[component[inside]]]
    person[clean] = component[clean]
    refused = _renumbered(old.refused, before.apart, change.apart)
    settled = Settled(component, person, broken, refused)
    batches = (*batches, added)
    if dirty.any():
        settled = _settled_again(settled, placed, batches, dirty)
    return Resolution(nodes, limit, batches, known, change.apart, before.rules, settled)


def _without(before: Resolution, removed: tuple[Hashes, Hashes]) -> tuple[tuple[Edges, ...], Places]:
    """Give the edges but for those that are gone, and the nodes that lost one."""
    one, other = (before.nodes.places(each) for each in removed)
    here = (one >= 0) & (other >= 0)
    if not here.any():
        return before.batches, np.zeros(0, dtype=np.int64)
    one, other = one[here], other[here]
    edges, size = before.edges, len(before.nodes)
    gone = np.isin(_pair(edges.one, edges.other, size), _pair(one, other, size))
    return (edges.take(~gone),), np.concatenate([one, other])


def _pair(one: NDArray[np.integer], other: NDArray[np.integer], size: int) -> Places:
    return np.asarray(np.minimum(one, other).astype(np.int64) * size + np.maximum(one, other), dtype=np.int64)


def _added(added: Graph, ends: Places) -> Edges:
    one, other = ends[: len(added)].astype(np.int32), ends[len(added) :].astype(np.int32)
    return Edges(one, other, added.rank, added.strength)


def _limits(before: Resolution, graph: Graph, added: Edges, new: int) -> NDArray[np.int16]:
    limit = np.concatenate([before.limit, np.full(new, NO_LIMIT, dtype=np.int16)])
    limit[added.one], limit[added.other] = graph.one_limit, graph.other_limit
    return limit


def _known(before: Resolution, change: Change, nodes: Nodes) -> tuple[Known, Places]:
    """Give all facts as they are now, and the nodes that have to be settled again for a fact or a decision."""
    unsettled, known, more = nodes.places(change.unsettled), before.known, place_facts(nodes, change.facts)
    unsettled = unsettled[unsettled >= 0]
    if len(unsettled) or len(more.node):
        forgotten = np.zeros(len(nodes), dtype=np.bool_)
        forgotten[unsettled] = True
        known = known.take(~forgotten[known.node])
        known = Known(
            np.concatenate([known.node, more.node]),
            np.concatenate([known.rule, more.rule]),
            np.concatenate([known.value, more.value]),
        )
    decided = nodes.places(_only_in_one(before.apart, change.apart))
    return known, np.concatenate([unsettled, more.node, decided[decided >= 0]])


def _only_in_one(before: Apart, after: Apart) -> Hashes:
    """Give the nodes of decisions that are new or were withdrawn."""
    then, now = (set(zip(each.one.tolist(), each.other.tolist(), strict=True)) for each in (before, after))
    return np.array(sorted({node for pair in then ^ now for node in pair}), dtype=np.uint64)


def _renumbered(refused: Refused, before: Apart, after: Apart) -> Refused:
    """Give refused edges that name decisions by their places in the new list of them: of several alike, the first."""
    now: dict[tuple[int, int], int] = {}
    for at, pair in enumerate(zip(after.one.tolist(), after.other.tolist(), strict=True)):
        now.setdefault(pair, at)
    then = list(zip(before.one.tolist(), before.other.tolist(), strict=True))
    which = refused.which.copy()
    for row in np.flatnonzero(refused.rule == Refusal.DECIDED).tolist():
        which[row] = now.get(then[int(which[row])], -1)  # withdrawn: its people are settled again
    return replace(refused, which=which)


def _join(component: Numbers, added: Edges, numbers: int) -> tuple[Mask, Numbers]:
    """Join components by new edges: say which were touched, and what each number became."""
    touched = np.zeros(numbers, dtype=np.bool_)
    joined = np.arange(numbers, dtype=np.int32)
    one, other = component[added.one], component[added.other]
    touched[one] = touched[other] = True
    ends = np.flatnonzero(touched).astype(np.int32)
    place = np.empty(numbers, dtype=np.int32)
    place[ends] = np.arange(len(ends), dtype=np.int32)
    group = components(len(ends), place[one], place[other])
    _, eldest = np.unique(
        group, return_index=True
    )  # `ends` rise, so the first of a group has its least number
    joined[ends] = ends[eldest][group]
    return touched, joined


def _breaking(placed: Placed, inside: Places, group: Numbers) -> Numbers:
    """Give the groups that break a rule; `group` says for each of the nodes `inside` where it would belong."""
    there = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.bool_)
    there[group] = True
    numbers = np.flatnonzero(there).astype(np.int32)
    place = np.empty(len(there), dtype=np.int32)
    place[numbers] = np.arange(len(numbers), dtype=np.int32)
    none = placed.edges.take(np.zeros(0, dtype=np.int64))
    broken = breaks(place[group], len(numbers), _part(placed, inside, none))
    return np.asarray(numbers[broken], dtype=np.int32)


def _part(placed: Placed, inside: Places, edges: Edges) -> Placed:
    """Give what is known of some nodes, numbered from 0 in their order; `edges` are those between them."""
    local = np.full(len(placed.nodes), -1, dtype=np.int32)
    local[inside] = np.arange(len(inside), dtype=np.int32)
    known, apart = placed.known, placed.apart
    mine, both = local[known.node] >= 0, (local[apart.one] >= 0) & (local[apart.other] >= 0)
    return Placed(
        Nodes((placed.nodes.at(inside),)),
        placed.limit[inside],
        Edges(local[edges.one], local[edges.other], edges.rank, edges.strength),
        Known(local[known.node[mine]].astype(np.int64), known.rule[mine], known.value[mine]),
        Pairs(
            local[apart.one[both]].astype(np.int64),
            local[apart.other[both]].astype(np.int64),
            apart.pair[both],
        ),
        placed.rules,
    )


def _settled_again(standing: Settled, placed: Placed, batches: tuple[Edges, ...], dirty: Mask) -> Settled:
    """Settle dirty components again from all their edges, in place; everything else stands as it is."""
    again = dirty[standing.component]
    inside = np.flatnonzero(again)
    theirs = Edges.together([each.take(np.flatnonzero(again[each.one])) for each in batches])
    part = settle(_part(placed, inside, theirs))
    component, person = standing.component, standing.person
    component[inside] = part.component + standing.numbers
    person[inside] = part.person + standing.numbers
    kept, more = standing.refused.take(~again[standing.refused.one]), part.refused
    refused = Refused(
        np.concatenate([kept.one, inside[more.one].astype(np.int32)]),
        np.concatenate([kept.other, inside[more.other].astype(np.int32)]),
        np.concatenate([kept.rank, more.rank]),
        np.concatenate([kept.rule, more.rule]),
        np.concatenate([kept.which, more.which]),
        np.concatenate([kept.would_be, more.would_be]),
    )
    return Settled(component, person, np.concatenate([standing.broken, part.broken]), refused)
