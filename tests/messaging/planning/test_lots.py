"""The lots that hold people out and give them a variant: fair, the same for ever, and of nobody else's campaign."""

import math
from itertools import pairwise

import pytest
from scipy.stats import binom, chi2, chisquare

from messaging.campaigns import Holdout, read_campaign

PEOPLE = [f"cus_{number:032x}" for number in range(2000)]
SALTS = [f"salt-{number}" for number in range(100)]
ONCE_IN_A_MILLION = 1e-6  # what is drawn here never changes: a fair lot that passed passes for ever


def varied(salt: str) -> str:
    """Write a campaign that tries three variants of different shares."""
    return (
        "segment: lapsed\nchannels: [sms]\n"
        "variants:\n  one: {template: a, share: 1}\n  two: {template: b, share: 2}\n  three: {template: c, share: 5}\n"
        f"holdout: {{share: 0.2, salt: {salt}}}\n"
    )


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_over_a_hundred_salts_the_holdout_is_as_large_as_it_says_and_as_uneven_as_chance(
    share: float,
) -> None:
    held = [sum(Holdout(share, salt).holds(each) for each in PEOPLE) for salt in SALTS]
    expected, spread = len(PEOPLE) * share, math.sqrt(len(PEOPLE) * share * (1 - share))
    statistic = sum(((each - expected) / spread) ** 2 for each in held)
    assert ONCE_IN_A_MILLION < chi2.sf(statistic, len(SALTS)) < 1 - ONCE_IN_A_MILLION  # nor too even
    assert sum(held) == pytest.approx(len(SALTS) * expected, rel=0.05)


def test_over_a_hundred_salts_everybody_is_held_out_about_as_often() -> None:
    times = [sum(Holdout(0.3, salt).holds(each) for salt in SALTS) for each in PEOPLE]
    bins = [(0, 24), (25, 27), (28, 30), (31, 33), (34, 36), (37, len(SALTS))]
    seen = [sum(low <= each <= high for each in times) for low, high in bins]
    fair = [
        len(PEOPLE) * (binom.cdf(high, len(SALTS), 0.3) - binom.cdf(low - 1, len(SALTS), 0.3))
        for low, high in bins
    ]
    assert chisquare(seen, fair).pvalue > ONCE_IN_A_MILLION


def test_over_a_hundred_salts_variants_are_as_many_as_their_shares_say() -> None:
    statistic = 0.0
    for salt in SALTS:
        campaign = read_campaign("trial", varied(salt))
        got = [campaign.variant_of(each).name for each in PEOPLE]
        seen = [got.count(name) for name in ("one", "two", "three")]
        statistic += chisquare(seen, [len(PEOPLE) * part / 8 for part in (1, 2, 5)]).statistic
    assert ONCE_IN_A_MILLION < chi2.sf(statistic, 2 * len(SALTS)) < 1 - ONCE_IN_A_MILLION


def test_nobodys_lot_changes_when_people_are_added_or_others_leave() -> None:
    campaign = read_campaign("trial", varied("spring"))
    before = {each: (campaign.holdout.holds(each), campaign.variant_of(each).name) for each in PEOPLE[:500]}
    again = read_campaign("trial", varied("spring"))
    after = {each: (again.holdout.holds(each), again.variant_of(each).name) for each in reversed(PEOPLE)}
    assert {each: after[each] for each in before} == before


def test_a_larger_holdout_holds_out_everybody_whom_a_smaller_one_did() -> None:
    small, large = ({each for each in PEOPLE if Holdout(share, "s").holds(each)} for share in (0.1, 0.3))
    assert small < large


def test_the_lots_of_two_campaigns_and_of_holdout_and_variant_know_nothing_of_one_another() -> None:
    """Held out in both is as frequent as chance has it, over all pairs of neighbouring salts."""
    statistic = 0.0
    for first, second in pairwise(SALTS):
        statistic += _dependence(
            [Holdout(0.3, first).holds(each) for each in PEOPLE],
            [Holdout(0.3, second).holds(each) for each in PEOPLE],
        )
    assert chi2.sf(statistic, len(SALTS) - 1) > ONCE_IN_A_MILLION
    inner = 0.0
    for salt in SALTS:
        campaign = read_campaign("trial", varied(salt))
        inner += _dependence(
            [campaign.holdout.holds(each) for each in PEOPLE],
            [campaign.variant_of(each).name == "three" for each in PEOPLE],
        )
    assert chi2.sf(inner, len(SALTS)) > ONCE_IN_A_MILLION


def test_the_test_of_independence_finds_lots_that_depend_on_one_another() -> None:
    lot = [Holdout(0.3, "same").holds(each) for each in PEOPLE]
    larger = [Holdout(0.35, "same").holds(each) for each in PEOPLE]
    assert chi2.sf(_dependence(lot, larger), 1) < ONCE_IN_A_MILLION


def _dependence(first: list[bool], second: list[bool]) -> float:
    """Give Pearson's statistic of a table of two by two: chi-square with one degree of freedom where they are independent."""
    pairs = list(zip(first, second, strict=True))
    number, of_first, of_second = len(pairs), sum(first), sum(second)
    statistic = 0.0
    for one in (True, False):
        for other in (True, False):
            row = of_first if one else number - of_first
            column = of_second if other else number - of_second
            fair = row * column / number
            statistic += (pairs.count((one, other)) - fair) ** 2 / fair
    return statistic
