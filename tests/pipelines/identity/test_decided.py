"""What people decided, after everything that evidence says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.decided import Said, merge_decided
from pipelines.identity.graph import Apart, Graph, Rules
from pipelines.identity.resolve import Resolution, resolve

Pairs = list[tuple[int, int]]

nodes = st.integers(1, 8)
pairs = st.lists(st.tuples(nodes, nodes).filter(lambda pair: pair[0] != pair[1]), max_size=6)


def people_of(evidence: Pairs, splits: Pairs, rules: Rules | None = None) -> Resolution:
    """Resolve nodes 1 to 8, each of which counts against the only limit of `rules`."""
    edges = [*evidence, *((node, node) for node in range(1, 9))]
    one, other = (np.array([edge[at] for edge in edges], dtype=np.uint64) for at in (0, 1))
    counted = np.zeros(len(edges), dtype=np.int16)
    return resolve(Graph.of(one, other, (counted, counted)), rules, None, apart(splits))


def apart(said: Pairs) -> Apart:
    one, other = (np.array([pair[at] for pair in said], dtype=np.uint64) for at in (0, 1))
    return Apart(one, other)


def together(resolution: Resolution, one: int, other: int) -> bool:
    first, second = resolution.persons(np.array([one, other], dtype=np.uint64))
    return bool(first == second)


def test_a_merge_takes_along_all_that_evidence_gave_to_either_person() -> None:
    before = people_of([(1, 2), (3, 4)], [])
    after, refused = merge_decided(before, Said(apart([(1, 3)]), apart([])))
    assert together(after, 2, 4)
    assert not together(after, 1, 5)
    assert refused == []


def test_a_merge_overrules_every_limit() -> None:
    before = people_of([(1, 2)], [], Rules(limits=(1,)))
    assert not together(before, 1, 2)
    after, _ = merge_decided(before, Said(apart([(1, 2)]), apart([])))
    assert together(after, 1, 2)
    assert len(after.settled.refused) == 0, "what is one person now was not refused"


@given(pairs, pairs, pairs)
def test_no_merge_brings_together_whom_a_split_keeps_apart(
    evidence: Pairs, merges: Pairs, splits: Pairs
) -> None:
    before = people_of(evidence, splits)
    after, refused = merge_decided(before, Said(apart(merges), apart(splits)))
    assert not any(together(after, *split) for split in splits)
    for one, other, which in refused:
        assert not together(after, one, other)
        left, right = splits[which]
        assert {together(after, one, left), together(after, other, left)} == {True, False}
        assert {together(after, one, right), together(after, other, right)} == {True, False}
    applied = [merge for merge in merges if not any(set(merge) == {one, other} for one, other, _ in refused)]
    assert all(together(after, *merge) for merge in applied)


@given(pairs, pairs)
def test_merges_only_ever_bring_people_together(evidence: Pairs, merges: Pairs) -> None:
    before = people_of(evidence, [])
    after, refused = merge_decided(before, Said(apart(merges), apart([])))
    assert refused == []
    for one in range(1, 9):
        for other in range(one + 1, 9):
            assert together(after, one, other) or not together(before, one, other)
