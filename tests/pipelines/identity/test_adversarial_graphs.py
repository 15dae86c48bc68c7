"""Graphs that break resolvers: long chains, huge stars, a phone between two families, odd numbers."""

import secrets

import numpy as np
import pytest

from benchmarks.identity.graphs import (
    BOUNDARIES,
    KIND_LIMITS,
    UNLIMITED,
    Pairs,
    barbell,
    boundaries,
    chain,
    hashed,
    power_law,
    star,
)
from pipelines.identity.graph import NO_LIMIT, Graph, Rules
from pipelines.identity.incremental import Change, extend
from pipelines.identity.resolve import Resolution, resolve

LONG = 100_000


def people(resolution: Resolution) -> int:
    return len(np.unique(resolution.settled.person))


def limited(pairs: Pairs, *accounts: np.uint64) -> Graph:
    """Make a graph in which these nodes are accounts, of which a person may have one."""
    one, other = (np.where(np.isin(ends, accounts), 0, NO_LIMIT).astype(np.int16) for ends in pairs)
    return Graph.of(*pairs, (one, other))


@pytest.mark.parametrize("seed", [None, 7], ids=["sequential ids", "random ids"])
def test_a_long_chain_is_one_person(seed: int | None) -> None:
    assert people(resolve(Graph.of(*chain(LONG, seed=seed)))) == 1
    assert people(resolve(Graph.of(*chain(LONG, paths=10, seed=seed)))) == 10


@pytest.mark.parametrize("seed", [None, 7], ids=["sequential ids", "random ids"])
def test_a_long_chain_between_two_accounts_is_cut_once(seed: int | None) -> None:
    pairs = chain(LONG, seed=seed)
    found = resolve(limited(pairs, pairs[0][0], pairs[1][-1]), Rules(limits=(1,)))
    assert people(found) == 2
    assert len(found.settled.refused) == 1


def test_a_long_chain_that_grows_edge_by_edge_at_both_ends_is_one_person() -> None:
    graph = Graph.of(*chain(LONG, seed=7))
    grown = resolve(graph.take(np.arange(100, LONG - 100)))
    for rows in (np.arange(99, -1, -1), np.arange(LONG - 100, LONG)):
        for row in rows[::20]:
            grown = extend(grown, Change(added=graph.take(np.array([row]))))
        grown = extend(grown, Change(added=graph.take(np.setdiff1d(rows, rows[::20]))))
    assert people(grown) == 1


def test_a_star_of_a_million_leaves_is_one_person() -> None:
    assert people(resolve(Graph.of(*star(1_000_000)))) == 1


def test_a_star_whose_leaves_a_person_may_have_three_of_keeps_three() -> None:
    one, other = star(LONG)
    centre, leaves = np.full(LONG, NO_LIMIT, dtype=np.int16), np.zeros(LONG, dtype=np.int16)
    found = resolve(Graph.of(one, other, (centre, leaves)), Rules(limits=(3,)))
    assert (found.persons(one[:1]) == found.persons(other)).sum() == 3
    assert people(found) == 1 + LONG - 3
    assert len(found.settled.refused) == LONG - 3


def test_a_phone_between_two_families_goes_to_one_and_ties_neither() -> None:
    side = 60
    pairs, accounts = barbell(side), hashed(np.array([0, side]))
    found = resolve(limited(pairs, *accounts), Rules(limits=(1,)))
    person = found.persons(hashed(np.arange(2 * side + 1)))
    assert len(set(person[:side].tolist())) == len(set(person[side : 2 * side].tolist())) == 1
    assert person[0] != person[side]
    assert person[2 * side] in {person[0], person[side]}
    assert len(found.settled.refused) == 1


def test_a_node_tied_to_itself_is_known_and_alone() -> None:
    found = resolve(Graph.of(np.array([5, 6, 5]), np.array([5, 6, 5])))
    assert people(found) == 2
    assert len(found.nodes) == 2


def test_nothing_is_nobody() -> None:
    nothing = Graph.of(np.zeros(0), np.zeros(0))
    assert people(resolve(nothing, Rules(limits=(1, 1)))) == 0
    assert people(extend(resolve(nothing), Change(added=nothing))) == 0


def test_numbers_at_the_edges_of_64_bits_are_told_apart() -> None:
    one, other = boundaries()
    found = resolve(Graph.of(one, other))
    assert len(found.nodes) == 2 * len(one)
    assert people(found) == len(one) == len(BOUNDARIES) // 2
    assert (found.persons(one) == found.persons(other)).all()


def test_an_edge_said_a_thousand_times_is_one() -> None:
    one, other = star(3)
    found = resolve(Graph.of(np.tile(one, 1000), np.tile(other, 1000)))
    assert people(found) == 1


def test_a_hundred_batches_make_the_people_of_one() -> None:
    seed = secrets.randbelow(2**31)
    drawn = power_law(20_000, seed)
    limit = np.where(drawn.kind == UNLIMITED, NO_LIMIT, drawn.kind).astype(np.int16)
    graph = Graph.of(*drawn.pairs, (limit[drawn.one], limit[drawn.other]))
    rules = Rules(limits=KIND_LIMITS)
    whole = resolve(graph, rules)
    parts = resolve(graph.take(np.arange(0)), rules)
    for rows in np.array_split(np.arange(len(graph)), 100):
        parts = extend(parts, Change(added=graph.take(rows)))
    numbers = whole.settled.person, parts.persons(whole.nodes.hashes)
    together = np.unique(np.stack(numbers), axis=1).shape[1]
    assert together == len(np.unique(numbers[0])) == len(np.unique(numbers[1])), f"seed {seed}"
    assert len(whole.settled.refused) > 0, f"seed {seed}: no rule was put to the test"
