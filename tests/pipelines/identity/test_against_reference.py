"""The resolver and a slow, plain one agree on every small graph; and what no graph may do to either."""

import operator
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.identity.graph import Apart, FactRule, Facts, Refusal, Rules
from pipelines.identity.incremental import Change, extend
from pipelines.identity.resolve import Resolution, resolve

from .reference import Answer, Case, Edge, graph_of, resolve_slowly

# Numbers that are alike are at most one apart, which does not carry over: 1 ~ 2 and 2 ~ 3, but 1 and 3 are not.
EQUAL = FactRule(alike=operator.eq, refuses=frozenset({2, 3}), same=operator.eq)
NEAR = FactRule(alike=lambda one, other: abs(one - other) <= 1, refuses=frozenset({3}), same=operator.eq)
RULES = Rules(limits=(1, 2, 3), facts=(EQUAL, NEAR), lifted={1: (0, 1)})

NODES = (0, 1, 2, 3, 4, 5, 6, 2**63 - 1, 2**63, 2**64 - 1)

nodes = st.sampled_from(NODES)
edges = st.builds(Edge, nodes, nodes, st.integers(1, 3), st.integers(1, 3))
# few edges, as they shrink to; and enough of them for claims that exclude one another
claims = st.one_of(
    st.lists(edges, max_size=8),
    st.lists(edges, min_size=8, max_size=30),
)
limits = st.lists(st.integers(-1, 2), min_size=len(NODES), max_size=len(NODES)).map(
    lambda limits: {node: limit for node, limit in zip(NODES, limits, strict=True) if limit >= 0}
)
pairs = st.tuples(nodes, nodes).filter(lambda pair: pair[0] != pair[1])
cases = st.builds(
    Case,
    edges=claims,
    limit_of=limits,
    facts=st.lists(st.tuples(nodes, st.integers(0, 1), st.integers(1, 4)), max_size=6),
    apart=st.lists(pairs, max_size=2),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Case, Case]:
    """Draw a case of several small components, and what a day later is left of it and new."""
    before = replace(draw(cases), edges=draw(st.lists(edges, min_size=3, max_size=7)))
    kept = [edge for edge in before.edges if draw(st.integers(0, 3))]
    after = replace(before, edges=[*kept, *draw(st.lists(edges, max_size=4))])
    if draw(st.booleans()):
        return before, after
    facts = [fact for fact in before.facts if draw(st.booleans())]
    return before, replace(after, facts=[*facts, *draw(cases).facts[:2]], apart=draw(cases).apart)


def facts_of(case: Case) -> Facts:
    return Facts(
        np.array([fact[0] for fact in case.facts], dtype=np.uint64),
        np.array([fact[1] for fact in case.facts], dtype=np.int64),
        np.array([fact[2] for fact in case.facts], dtype=np.int64),
    )


def apart_of(case: Case) -> Apart:
    return Apart(
        np.array([pair[0] for pair in case.apart], dtype=np.uint64),
        np.array([pair[1] for pair in case.apart], dtype=np.uint64),
    )


def resolved(case: Case) -> Resolution:
    return resolve(graph_of(case.edges, case.limit_of), RULES, facts_of(case), apart_of(case))


def answer(resolution: Resolution) -> Answer:
    """Say of a resolution what its numbers mean."""
    people: dict[int, set[int]] = defaultdict(set)
    hashes = resolution.nodes.hashes
    for node, person in zip(hashes.tolist(), resolution.settled.person.tolist(), strict=True):
        people[person].add(node)
    refused = resolution.settled.refused
    return Answer(
        frozenset(frozenset(person) for person in people.values()),
        frozenset(
            (*sorted((int(hashes[one]), int(hashes[other]))), int(rank), Refusal(int(rule)).name)
            for one, other, rank, rule in zip(
                refused.one, refused.other, refused.rank, refused.rule, strict=True
            )
        ),
    )


def change(before: Case, after: Case) -> Change:
    """Make what changed between two cases; nodes have the same limits in both."""
    then, now = by_ends(before), by_ends(after)
    other = {ends for ends in then.keys() | now.keys() if then.get(ends) != now.get(ends)}
    gone = graph_of([Edge(*ends) for ends in sorted(other & then.keys())], {})
    added = [edge for ends in sorted(other & now.keys()) for edge in now[ends]]
    retold = {fact[0] for fact in set(before.facts) ^ set(after.facts)}
    told = retold | {node for edge in after.edges for node in edge.ends} - {
        node for edge in before.edges for node in edge.ends
    }
    return Change(
        graph_of(added, after.limit_of),
        (gone.one, gone.other),
        facts_of(replace(after, facts=[fact for fact in after.facts if fact[0] in told])),
        np.array(sorted(retold), dtype=np.uint64),
        apart_of(after),
    )


def by_ends(case: Case) -> dict[tuple[int, int], list[Edge]]:
    found: dict[tuple[int, int], list[Edge]] = defaultdict(list)
    for edge in case.edges:
        found[edge.ends].append(edge)
    return found


@given(cases)
def test_both_find_the_same_people_and_refuse_the_same_evidence_by_the_same_rule(case: Case) -> None:
    assert answer(resolved(case)) == resolve_slowly(case, RULES)


@given(cases, st.randoms(use_true_random=False))
def test_neither_the_order_of_edges_nor_which_end_comes_first_changes_anything(
    case: Case, random: Random
) -> None:
    shuffled = [random.choice([edge, replace(edge, one=edge.other, other=edge.one)]) for edge in case.edges]
    random.shuffle(shuffled)
    facts = random.sample(case.facts, len(case.facts))
    assert answer(resolved(replace(case, edges=shuffled, facts=facts))) == answer(resolved(case))


@given(cases, st.integers(1, 4))
def test_evidence_said_twice_is_evidence_said_once(case: Case, times: int) -> None:
    assert answer(resolved(replace(case, edges=list(case.edges) * times))) == answer(resolved(case))


@given(cases, st.lists(st.integers(0, 30), max_size=5))
def test_evidence_in_batches_makes_the_people_of_all_evidence_at_once(case: Case, cuts: list[int]) -> None:
    so_far = replace(case, edges=[], apart=[])
    found = resolved(so_far)
    for cut in [*sorted(cuts), len(case.edges)]:
        more = replace(case, edges=case.edges[:cut])
        found, so_far = extend(found, change(so_far, more)), more
    assert answer(found) == answer(resolved(case))


@settings(max_examples=300)
@example(
    (Case([Edge(0, 1), Edge(5, 6)]), Case([Edge(0, 1), Edge(0, 5)]))
)  # an edge goes, and one comes beside it
@given(histories())
def test_whatever_changes_the_people_are_those_of_a_resolution_from_scratch(
    history: tuple[Case, Case],
) -> None:
    before, after = history
    found = answer(extend(resolved(before), change(before, after)))
    assert with_evidence(found, after) == with_evidence(answer(resolved(after)), after)


@given(cases, cases)
def test_evidence_that_comes_and_goes_leaves_the_people_as_they_were(case: Case, more: Case) -> None:
    both = replace(case, edges=[*case.edges, *more.edges])
    there = extend(resolved(case), change(case, both))
    back = extend(there, change(both, case))
    assert with_evidence(answer(back), case) == with_evidence(answer(resolved(case)), case)


def with_evidence(answer: Answer, case: Case) -> Answer:
    """Leave out nodes that no edge names any more; they are alone."""
    named = {node for edge in case.edges for node in edge.ends}
    forgotten = [person for person in answer.people if not person & named]
    assert all(len(person) == 1 for person in forgotten)
    return Answer(answer.people - set(forgotten), answer.refused)


@given(cases)
def test_no_person_is_over_a_limit_or_holds_two_whom_people_keep_apart(case: Case) -> None:
    rules = replace(RULES, lifted={})
    for person in answer(resolve(graph_of(case.edges, case.limit_of), rules, None, apart_of(case))).people:
        for limit, most in enumerate(rules.limits):
            assert sum(case.limit_of.get(node) == limit for node in person) <= most
        assert not any({one, other} <= person for one, other in case.apart)


@given(cases)
def test_evidence_leads_from_each_node_of_a_person_to_each_other_inside_the_person(case: Case) -> None:
    for person in answer(resolved(case)).people:
        reached = {min(person)}
        while True:
            further = {node for edge in case.edges if reached & set(edge.ends) for node in edge.ends} & person
            if further <= reached:
                break
            reached |= further
        assert reached == person


@given(cases)
def test_evidence_is_refused_exactly_where_both_ends_are_different_people(case: Case) -> None:
    found = answer(resolved(case))
    person_of = {node: person for person in found.people for node in person}
    between = {(*edge.ends, edge.rank) for edge in case.edges if person_of[edge.one] != person_of[edge.other]}
    assert {each[:3] for each in found.refused} == between


@given(st.lists(cases, min_size=2, max_size=4))
def test_resolutions_side_by_side_in_threads_do_not_touch_one_another(side_by_side: list[Case]) -> None:
    with ThreadPoolExecutor(len(side_by_side)) as threads:
        found = list(threads.map(resolved, side_by_side))
    assert [answer(each) for each in found] == [answer(resolved(case)) for case in side_by_side]
