"""Which component inherits which old id."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.stable_ids import Overlap, inherit

OLD, YOUNG = datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2026-01-01")


def overlap(
    component: int,
    customer: str,
    records: int,
    *,
    back: int = 0,
    since: datetime = OLD,
    first_at: datetime = OLD,
) -> Overlap:
    """Claim an id by so many records, and by so many more that were away."""
    return Overlap(component, customer, records, records + back, since, first_at, f"r{component}")


def test_the_largest_overlap_inherits() -> None:
    assert inherit([overlap(1, "a", 2), overlap(1, "b", 3)]) == {1: "b"}


def test_records_that_come_back_take_no_id_from_those_that_stayed() -> None:
    assert inherit([overlap(1, "a", 0, back=9), overlap(2, "a", 1)]) == {2: "a"}
    assert inherit([overlap(1, "a", 1, back=1), overlap(2, "a", 1)]) == {1: "a"}


def test_between_equal_overlaps_the_older_id_stays() -> None:
    assert inherit([overlap(1, "a", 2, since=YOUNG), overlap(1, "b", 2, since=OLD)]) == {1: "b"}


def test_between_equal_parts_of_a_split_the_older_part_keeps_the_id() -> None:
    assert inherit([overlap(1, "a", 2, first_at=YOUNG), overlap(2, "a", 2, first_at=OLD)]) == {2: "a"}


def test_a_component_that_loses_its_first_id_takes_the_next_that_is_free() -> None:
    claims = [overlap(1, "a", 5), overlap(2, "a", 4), overlap(2, "b", 1)]
    assert inherit(claims) == {1: "a", 2: "b"}


claims = st.lists(
    st.builds(overlap, st.integers(0, 4), st.sampled_from("abcd"), st.integers(1, 3)),
    unique_by=lambda claim: (claim.component, claim.customer_id),
)


@given(claims, st.randoms(use_true_random=False))
def test_the_order_of_claims_changes_nothing(found: list[Overlap], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert inherit(shuffled) == inherit(found)


@given(claims)
def test_no_id_is_given_twice_and_none_is_left_to_a_component_that_has_none(found: list[Overlap]) -> None:
    heirs = inherit(found)
    assert len(set(heirs.values())) == len(heirs)
    for claim in found:
        assert claim.component in heirs or claim.customer_id in heirs.values()
