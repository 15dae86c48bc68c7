"""What people say about who is who holds together, or is refused with the decision that stands in its way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import RefusedError
from messaging.identity_decisions import Decision, Kind, Record, contradictions
from messaging.identity_decisions.contradictions import first_clash, refuse_contradiction

START = datetime.fromisoformat("2026-10-30T12:00")
RECORDS = [Record("crm", f"contact/{letter}") for letter in "abcdef"]
A, B, C, D, *_ = RECORDS


def said(kind: Kind, one: Record, other: Record, number: int = 0) -> Decision:
    return Decision(
        f"dec_{number}", kind, *one, *other, "ann", "They called.", START + timedelta(hours=number)
    )


def chain(*records: Record) -> list[Decision]:
    pairs = pairwise(records)
    return [said("merge", one, other, number) for number, (one, other) in enumerate(pairs)]


def naive_groups(decisions: Sequence[Decision]) -> list[set[Record]]:
    """Merge sets until nothing changes: slow, and nothing to get wrong."""
    groups = [{record} for record in RECORDS]
    for each in decisions:
        if each.kind == "merge" and each.withdrawn_at is None:
            joined = [group for group in groups if group & {each.one, each.other}]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return groups


sequences = st.lists(
    st.tuples(st.sampled_from(["merge", "split"]), st.permutations(RECORDS)).map(
        lambda drawn: (drawn[0], drawn[1][0], drawn[1][1])
    ),
    max_size=14,
).map(lambda drawn: [said(kind, one, other, number) for number, (kind, one, other) in enumerate(drawn)])


@given(sequences)
def test_every_split_inside_a_group_of_merges_is_found_and_no_other(decisions: list[Decision]) -> None:
    groups = naive_groups(decisions)
    wanted = [
        each
        for each in decisions
        if each.kind == "split" and any({each.one, each.other} <= group for group in groups)
    ]
    assert [each.split for each in contradictions(decisions)] == wanted


@given(sequences)
def test_a_contradiction_shows_a_chain_of_merges_from_one_record_to_the_other(
    decisions: list[Decision],
) -> None:
    for found in contradictions(decisions):
        reached = found.split.one
        for merge in found.merges:
            assert reached in {merge.one, merge.other}
            reached = merge.other if reached == merge.one else merge.one
        assert reached == found.split.other
        assert len(set(found.merges)) == len(found.merges)


@given(sequences)
def test_what_is_accepted_one_by_one_never_contradicts_itself(decisions: list[Decision]) -> None:
    standing: list[Decision] = []
    for each in decisions:
        if first_clash([*standing, each]) is None:
            standing.append(each)
    assert contradictions(standing) == ()
    refused = [each for each in decisions if each not in standing]
    assert all(contradictions([*standing, each]) for each in refused)


def test_a_split_inside_a_chain_of_merges_is_refused_with_the_newest_of_them() -> None:
    with pytest.raises(RefusedError) as refused:
        refuse_contradiction([*chain(A, B, C), said("split", A, C, 2)])
    assert str(refused.value) == (
        "crm/contact/a and crm/contact/c cannot be split: the merge dec_1 by ann of 2026-10-30 13:00 UTC, one of 2"
        " that tie them together, says that they are one person; nothing changed. Withdraw that one first:"
        ' `rapport identity decisions withdraw dec_1 --reason "..."`.'
    )


def test_the_merge_that_closes_a_chain_over_a_split_is_refused_with_the_split() -> None:
    earlier = [said("split", A, C, 0), said("merge", A, B, 1)]
    with pytest.raises(RefusedError) as refused:
        refuse_contradiction([*earlier, said("merge", B, C, 2)])
    assert refused.value.message == (
        "crm/contact/b and crm/contact/c cannot be merged: with 1 merge from before that would make crm/contact/a and"
        " crm/contact/c one person, and the split dec_0 by ann of 2026-10-30 12:00 UTC keeps these apart;"
        " nothing changed."
    )


def test_a_merge_of_two_that_are_kept_apart_is_refused_with_the_split() -> None:
    with pytest.raises(RefusedError, match=r"cannot be merged: the split dec_0 by ann .* keeps them apart"):
        refuse_contradiction([said("split", A, B, 0), said("merge", A, B, 1)])


def test_a_decision_that_was_withdrawn_contradicts_nothing() -> None:
    withdrawn = Decision(**{**said("split", A, B).to_document(), "withdrawn_at": START})
    assert contradictions([withdrawn, said("merge", A, B, 1)]) == ()


def test_a_chain_of_a_hundred_thousand_merges_is_followed_to_its_end() -> None:
    records = [Record("crm", f"contact/{number}") for number in range(100_001)]
    (found,) = contradictions([*chain(*records), said("split", records[0], records[-1], 100_001)])
    assert len(found.merges) == 100_000
