"""Union-find that keeps the rules: for the few components in which plain union would break one.

Edges are followed in a given order, the strongest first, and each is followed unless the person that it would
make broke a rule. Kruskal's algorithm with a guard: what a person holds only grows, so an edge that was
refused once would be refused for ever, and one pass is enough. No recursion: a chain of a million nodes and a
star of a million leaves are ordinary input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.identity.graph import NO_LIMIT, Places, Refusal, Rules

Refusals = list[tuple[int, Refusal, int, int]]  # the edge's place, the rule, which one, how many it would be

PEELINGS = 8  # rounds: a longer chain goes through the loop, which minds no length


@dataclass
class Holdings:
    """What the persons of a growing forest hold, each under its root."""

    limited: dict[int, dict[int, int]] = field(default_factory=dict)  # root -> limit -> nodes
    facts: dict[int, dict[int, set[int]]] = field(default_factory=dict)  # root -> fact rule -> values
    sides: dict[int, dict[int, int]] = field(default_factory=dict)  # root -> decision -> its side of it


def unite(
    edges: Sequence[NDArray[np.integer[Any]]], held: Holdings, rules: Rules, nodes: int
) -> tuple[Places, Refusals]:
    """Follow edges in their order; give each node's root, and which edges were refused.

    `edges` are three arrays: one node, the other, the rank. Nodes are numbered from 0 to `nodes`; `held` says
    what each holds alone, and is used up.
    """
    parent = list(range(nodes))
    size = [1] * nodes
    refused: Refusals = []
    for place, (one, other, rank) in enumerate(zip(*(each.tolist() for each in edges), strict=True)):
        left, right = _root(parent, one), _root(parent, other)
        if left == right:
            continue
        broken = _broken(held, left, right, rules, rank)
        if broken is not None:
            refused.append((place, *broken))
            continue
        if size[left] < size[right]:
            left, right = right, left
        parent[right] = left
        size[left] += size[right]
        _hand_over(held, right, left)
    return _roots(np.array(parent, dtype=np.int64)), refused


def peel(
    one: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], bare: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], list[tuple[Places, Places]]]:
    """Set aside nodes that hold nothing and hang by one edge: no rule can refuse it, so they go where it leads.

    Gives which edges are left, and round by round each such node with the one that it follows. It spares the
    slow loop nine edges of ten in the noisy graphs of the benchmark (2026-11-22).
    """
    left = one != other
    followers: list[tuple[Places, Places]] = []
    for _ in range(PEELINGS):
        rows = np.flatnonzero(left)
        ends = np.concatenate([one[rows], other[rows]])
        leaf = (np.bincount(ends, minlength=len(bare)) == 1) & bare
        by_one = leaf[one[rows]]
        by_other = leaf[other[rows]] & ~by_one
        if not (by_one.any() or by_other.any()):
            break
        mine, theirs = rows[by_one], rows[by_other]
        followers.append(
            (np.concatenate([one[mine], other[theirs]]), np.concatenate([other[mine], one[theirs]]))
        )
        left[mine] = left[theirs] = False
    return left, followers


def _roots(parent: Places) -> Places:
    """Give every node its root; each round halves all paths that are left."""
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            return parent
        parent = further


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]  # halves the path on the way up
        node = parent[node]
    return node


def _broken(
    held: Holdings, left: int, right: int, rules: Rules, rank: int
) -> tuple[Refusal, int, int] | None:
    """Name the rule that one person out of both would break, which one of its kind, and how many it would be."""
    return (
        _decided(held.sides.get(left), held.sides.get(right))
        or _over_limit(held, left, right, rules)
        or _in_conflict(held.facts.get(left), held.facts.get(right), rules, rank)
    )


def _decided(
    one: Mapping[int, int] | None, other: Mapping[int, int] | None
) -> tuple[Refusal, int, int] | None:
    for decision, side in sorted(one.items()) if one and other else ():
        if other and other.get(decision, side) != side:
            return Refusal.DECIDED, decision, 0
    return None


def _over_limit(held: Holdings, left: int, right: int, rules: Rules) -> tuple[Refusal, int, int] | None:
    """Find a limit to which both bring something, so that together they hold more than it allows."""
    one, other = held.limited.get(left), held.limited.get(right)
    for limit, count in sorted(one.items()) if one and other else ():
        more = other.get(limit, 0) if other else 0
        if more and count + more > rules.limits[limit]:
            lifted_by = rules.lifted.get(limit)
            if not lifted_by or not _agree(held.facts.get(left), held.facts.get(right), lifted_by, rules):
                return Refusal.LIMIT, limit, count + more
    return None


def _agree(
    one: Mapping[int, set[int]] | None,
    other: Mapping[int, set[int]] | None,
    facts: Sequence[int],
    rules: Rules,
) -> bool:
    """Say whether both know each of these facts, and know the same."""
    if not one or not other:
        return False
    return all(
        rule in one
        and rule in other
        and all(rules.facts[rule].same(value, each) for value in one[rule] for each in other[rule])
        for rule in facts
    )


def _in_conflict(
    one: Mapping[int, set[int]] | None, other: Mapping[int, set[int]] | None, rules: Rules, rank: int
) -> tuple[Refusal, int, int] | None:
    for rule, values in sorted(one.items()) if one and other else ():
        others = other.get(rule) if other else None
        if others and rank in rules.facts[rule].refuses:
            alike = rules.facts[rule].alike
            if not all(alike(value, each) for value in values for each in others):
                return Refusal.CONFLICT, rule, len(values | others)
    return None


def _hand_over(held: Holdings, loser: int, winner: int) -> None:
    counts = held.limited.pop(loser, None)
    if counts:
        mine = held.limited.setdefault(winner, {})
        for limit, count in counts.items():
            mine[limit] = mine.get(limit, 0) + count
    facts = held.facts.pop(loser, None)
    if facts:
        known = held.facts.setdefault(winner, {})
        for rule, values in facts.items():
            known.setdefault(rule, set()).update(values)
    sides = held.sides.pop(loser, None)
    if sides:
        held.sides.setdefault(winner, {}).update(sides)


def holdings(
    limit: NDArray[np.int16],
    facts: Sequence[NDArray[np.integer[Any]]],
    apart: Mapping[int, tuple[int, int]],
) -> Holdings:
    """Say what each node holds alone.

    `limit` has the limit of each node; `facts` are nodes, fact rules and values entry by entry; `apart` has
    the two nodes of each decision that keeps people apart.
    """
    held = Holdings()
    for node in np.flatnonzero(limit != NO_LIMIT).tolist():
        held.limited[node] = {int(limit[node]): 1}
    for node, rule, value in zip(*(each.tolist() for each in facts), strict=True):
        held.facts.setdefault(node, {}).setdefault(rule, set()).add(value)
    for decision, pair in apart.items():
        for side, node in enumerate(pair):
            held.sides.setdefault(node, {})[decision] = side
    return held
