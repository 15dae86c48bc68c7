"""Who is with whom, from hashed keys alone."""

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.keys import Evidence
from pipelines.identity.resolve import Components, resolve

Pair = tuple[int, int, bool]


def evidence(pairs: Iterable[Pair]) -> Evidence:
    """Make evidence from (record, key, whether the key is personal)."""
    rows = list(pairs)
    return Evidence(
        np.array([row[0] for row in rows], dtype=np.uint64),
        np.array([row[1] for row in rows], dtype=np.uint64),
        np.array([row[2] for row in rows], dtype=np.bool_),
    )


def groups(components: Components) -> set[frozenset[int]]:
    """Give the records of each component, which is all that its number means."""
    found: dict[int, set[int]] = {}
    for record, component in zip(components.record.tolist(), components.component.tolist(), strict=True):
        found.setdefault(component, set()).add(record)
    return {frozenset(records) for records in found.values()}


def joined_by_hand(pairs: Sequence[Pair]) -> set[frozenset[int]]:
    """Group records by merging any two groups that share a key, until none do: slow and plainly right."""
    found = [({record}, {key}) for record, key, _ in pairs]
    merged = True
    while merged:
        merged = False
        for i in range(len(found)):
            for j in range(i + 1, len(found)):
                if found[i][0] & found[j][0] or found[i][1] & found[j][1]:
                    found[i] = (found[i][0] | found[j][0], found[i][1] | found[j][1])
                    del found[j]
                    merged = True
                    break
            if merged:
                break
    return {frozenset(records) for records, _ in found}


small_pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans()), max_size=14)


@given(small_pairs)
def test_records_are_together_exactly_when_keys_lead_from_one_to_the_other(pairs: list[Pair]) -> None:
    assert groups(resolve(evidence(pairs))) == joined_by_hand(pairs)


@given(small_pairs, st.randoms(use_true_random=False))
def test_the_order_of_evidence_changes_nothing(pairs: list[Pair], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups(resolve(evidence(shuffled))) == groups(resolve(evidence(pairs)))


@given(small_pairs)
def test_a_component_is_somebody_when_any_of_its_keys_is_a_persons_own(pairs: list[Pair]) -> None:
    components = resolve(evidence(pairs))
    personal = {record for record, _, own in pairs if own}
    somebody = set(components.record[components.personal].tolist())
    assert somebody == {record for group in groups(components) if group & personal for record in group}


def test_a_chain_of_a_hundred_thousand_records_is_one_person() -> None:
    n = 100_000
    links = [(record, record + offset, True) for record in range(n) for offset in (0, 1)]
    components = resolve(evidence(links))
    assert len(components.record) == n
    assert len(np.unique(components.component)) == 1


def test_a_star_of_a_hundred_thousand_records_is_one_person() -> None:
    n = 100_000
    components = resolve(evidence((record, 7, True) for record in range(n)))
    assert len(components.record) == n
    assert len(np.unique(components.component)) == 1


def test_no_evidence_is_nobody() -> None:
    components = resolve(evidence([]))
    assert len(components.record) == len(components.component) == len(components.personal) == 0
