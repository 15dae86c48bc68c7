"""Which pairs may merge is a rule about what agrees, and no weight can outvote it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.linking.comparisons import COMPARISONS, NAMED, SWAPPED, Agreement, Level
from pipelines.identity.linking.merging import Verdict, verdict

LINKING = frozenset({"email", "phone", "external_id"})
EXACT, ROUGH, WEAK, DIFFERENT = Agreement.EXACT, Agreement.ROUGH, Agreement.WEAK, Agreement.DIFFERENT


def levels(**found: Agreement | Level) -> dict[str, Level]:
    """Name a level of each comparison by what it says."""
    return {
        name: what
        if isinstance(what, Level)
        else next(level for level in NAMED[name].levels if level.agreement is what and level is not SWAPPED)
        for name, what in found.items()
    }


SAME_NAME = {"given_name": EXACT, "family_name": EXACT}
SAME_HOME = {"street": EXACT, "postcode": EXACT}

any_levels = st.fixed_dictionaries({each.name: st.sampled_from(each.levels) for each in COMPARISONS})


def judged(found: Mapping[str, Agreement | Level], linking: frozenset[str] = LINKING) -> Verdict:
    return verdict(levels(**found), linking)


@pytest.mark.parametrize(
    "support",
    [
        {"birth_date": EXACT},
        {"birth_date": ROUGH},
        SAME_HOME,
        {"street": EXACT, "city": EXACT},
        {"email": ROUGH},
        {"phone": ROUGH},
        {"external_id": ROUGH},
    ],
)
def test_a_name_and_one_thing_beside_it_may_merge(support: dict[str, Agreement]) -> None:
    assert judged(SAME_NAME | support) is Verdict.MERGE


def test_a_name_alone_never_merges() -> None:
    assert judged(SAME_NAME) is Verdict.NEVER
    assert judged(SAME_NAME | {"postcode": EXACT, "city": EXACT, "email": WEAK}) is Verdict.NEVER


def test_swapped_names_are_a_name() -> None:
    assert judged({"given_name": SWAPPED, "birth_date": EXACT}) is Verdict.MERGE


def test_two_of_one_household_never_merge() -> None:
    everything = {"family_name": EXACT, "phone": EXACT, "email": ROUGH, **SAME_HOME}
    assert judged({"given_name": DIFFERENT, **everything}, frozenset()) is Verdict.NEVER


def test_twins_never_merge() -> None:
    twins = {"given_name": DIFFERENT, "family_name": EXACT, "birth_date": EXACT, **SAME_HOME}
    assert judged(twins) is Verdict.NEVER


def test_father_and_son_of_one_name_never_merge() -> None:
    assert judged(SAME_NAME | SAME_HOME | {"birth_date": DIFFERENT, "phone": EXACT}) is Verdict.NEVER


def test_an_initial_is_for_a_person_to_look_at() -> None:
    assert judged({"given_name": WEAK, "family_name": EXACT, "birth_date": EXACT}) is Verdict.REVIEW


def test_a_family_name_that_changed_is_for_a_person_to_look_at() -> None:
    wedding = {"given_name": EXACT, "family_name": DIFFERENT, "birth_date": EXACT, **SAME_HOME}
    assert judged(wedding) is Verdict.REVIEW


def test_a_mailbox_that_differs_as_the_names_do_proves_nothing() -> None:
    assert judged({"given_name": ROUGH, "family_name": EXACT, "email": ROUGH}) is Verdict.NEVER


def test_a_shared_identifier_that_was_refused_as_a_key_is_no_support() -> None:
    assert judged(SAME_NAME | {"phone": EXACT}) is Verdict.NEVER
    assert judged(SAME_NAME | {"phone": EXACT}, frozenset({"email"})) is Verdict.MERGE


@given(any_levels)
def test_whatever_else_agrees_another_given_name_or_birth_date_never_merges(found: dict[str, Level]) -> None:
    for name in ("given_name", "birth_date"):
        other = NAMED[name].levels[-1]
        assert verdict(found | {name: other}, frozenset()) is Verdict.NEVER


@given(any_levels)
def test_whatever_merges_agrees_on_a_name_and_on_more(found: dict[str, Level]) -> None:
    if verdict(found, LINKING) is not Verdict.MERGE:
        return
    assert found["given_name"].agreement >= ROUGH
    assert found["family_name"].agreement >= ROUGH or found["given_name"] is SWAPPED
    beside = ("birth_date", "street", "email", "phone", "external_id")
    assert any(found[name].agreement >= ROUGH for name in beside)


@given(any_levels)
def test_a_register_typed_by_hand_needs_two_supports_where_the_name_is_wrong(found: dict[str, Level]) -> None:
    nothing = {name: NAMED[name].levels[-1] for name in found}
    assert verdict(nothing, LINKING, hand_typed=True) is Verdict.NEVER
    twice = nothing | levels(birth_date=EXACT, street=EXACT)
    assert verdict(twice, LINKING, hand_typed=True) is Verdict.MERGE
    assert verdict(nothing | levels(birth_date=EXACT), LINKING, hand_typed=True) is Verdict.NEVER
