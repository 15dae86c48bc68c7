"""The resolver's rules again, in plain sets and dictionaries: slow, obvious, and sharing no line with it.

Every edge is read one by one in the order of the rules; there are no components, no arrays and no union-find.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.identity.graph import Graph, Rules

Person = frozenset[int]


@dataclass(frozen=True)
class Edge:
    """Evidence that two nodes are one person."""

    one: int
    other: int
    rank: int = 1
    strength: int = 1

    @property
    def ends(self) -> tuple[int, int]:
        """Give both nodes, the lesser first: nobody minds which was named first."""
        return min(self.one, self.other), max(self.one, self.other)


@dataclass(frozen=True)
class Case:
    """What a resolution is asked: edges, each node's limit, what is known of nodes, and who is kept apart."""

    edges: Sequence[Edge]
    limit_of: Mapping[int, int] = field(default_factory=dict)
    facts: Sequence[tuple[int, int, int]] = ()  # node, fact rule, value
    apart: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Answer:
    """Who is one person, and the edges that keep two apart, each with its rank and the name of the rule."""

    people: frozenset[Person]
    refused: frozenset[tuple[int, int, int, str]]


def resolve_slowly(case: Case, rules: Rules) -> Answer:
    """Follow edges, the strongest first, unless the person that would come of it broke a rule."""
    person_of = {node: frozenset({node}) for edge in case.edges for node in edge.ends}
    refused = []
    for edge in sorted(case.edges, key=lambda each: (each.rank, -each.strength, each.ends)):
        one, other = person_of[edge.one], person_of[edge.other]
        if one == other:
            continue
        broken = _broken(case, rules, edge.rank, one, other)
        if broken:
            refused.append((*edge.ends, edge.rank, broken))
        else:
            person_of.update(dict.fromkeys(one | other, one | other))
    kept_apart = {each for each in refused if person_of[each[0]] != person_of[each[1]]}
    return Answer(frozenset(person_of.values()), frozenset(kept_apart))


def _broken(case: Case, rules: Rules, rank: int, one: Person, other: Person) -> str | None:
    if any((a in one and b in other) or (a in other and b in one) for a, b in case.apart):
        return "DECIDED"
    for limit, most in enumerate(rules.limits):
        mine, theirs = _of_limit(case, limit, one), _of_limit(case, limit, other)
        agreed = limit in rules.lifted and all(
            _agree(case, rules, fact, one, other) for fact in rules.lifted[limit]
        )
        if mine and theirs and mine + theirs > most and not agreed:
            return "LIMIT"
    for fact, rule in enumerate(rules.facts):
        if rank in rule.refuses and not _alike(case, rules, fact, one, other):
            return "CONFLICT"
    return None


def _of_limit(case: Case, limit: int, person: Person) -> int:
    return sum(case.limit_of.get(node) == limit for node in person)


def _values(case: Case, fact: int, person: Person) -> set[int]:
    return {value for node, rule, value in case.facts if rule == fact and node in person}


def _alike(case: Case, rules: Rules, fact: int, one: Person, other: Person) -> bool:
    alike = rules.facts[fact].alike
    return all(alike(a, b) for a in _values(case, fact, one) for b in _values(case, fact, other))


def _agree(case: Case, rules: Rules, fact: int, one: Person, other: Person) -> bool:
    mine, theirs = _values(case, fact, one), _values(case, fact, other)
    return bool(mine and theirs) and all(rules.facts[fact].same(a, b) for a in mine for b in theirs)


def graph_of(edges: Sequence[Edge], limit_of: Mapping[int, int]) -> Graph:
    """Give edges the resolver's form."""
    one, other = [edge.one for edge in edges], [edge.other for edge in edges]
    limits = [np.array([limit_of.get(node, -1) for node in ends], dtype=np.int16) for ends in (one, other)]
    return Graph.of(
        np.array(one, dtype=np.uint64),
        np.array(other, dtype=np.uint64),
        (limits[0], limits[1]),
        np.array([edge.rank for edge in edges], dtype=np.int16),
        np.array([edge.strength for edge in edges], dtype=np.int64),
    )
