"""What a campaign changed: intervals that hold their level, beside figures that others published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from messaging.effects import Group, effect

# Newcombe 1998, table II, method 10: the examples (a) to (h) of differences of independent proportions at 95 %.
PUBLISHED = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]


def group(values: "np.ndarray", money: float = 0.0) -> Group:
    spent = values * money
    return Group(
        len(values), int((values > 0).sum()), float(values.sum()), float((values**2).sum()), float(spent.sum()),
        float((spent**2).sum()),
    )  # fmt: skip


@pytest.mark.parametrize(("one", "other", "published"), PUBLISHED)
def test_the_range_of_shares_is_the_one_that_newcombe_published(
    monkeypatch: pytest.MonkeyPatch,
    one: tuple[int, int],
    other: tuple[int, int],
    published: tuple[float, float],
) -> None:
    monkeypatch.setattr("messaging.effects.FEWEST", 10)
    found = effect(Group(one[1], one[0]), Group(other[1], other[0]))
    assert found is not None
    assert (found.share.low, found.share.high) == pytest.approx(published, abs=6e-5)


def test_the_range_of_means_is_the_one_that_scipy_gives() -> None:
    chance = np.random.default_rng(4)
    one, other = chance.poisson(0.8, 400).astype(float), chance.poisson(0.7, 90).astype(float)
    found = effect(group(one), group(other))
    assert found is not None
    theirs = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (found.times.low, found.times.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("base", [0.01, 0.1, 0.5])
def test_the_ranges_hold_the_true_difference_as_often_as_they_say(base: float) -> None:
    chance = np.random.default_rng(round(base * 1000))
    share = times = 0
    for _ in range(600):
        one, other = chance.poisson(base + 0.06, 1600).astype(float), chance.poisson(base, 400).astype(float)
        found = effect(group(one), group(other))
        assert found is not None
        truth = np.exp(-base) - np.exp(-base - 0.06)
        share += found.share.low <= truth <= found.share.high
        times += found.times.low <= 0.06 <= found.times.high
    assert min(share, times) >= 600 * 0.93


def test_several_variants_make_each_range_wider() -> None:
    one, other = Group(1000, 200, 200, 200), Group(500, 60, 60, 60)
    alone, among = effect(one, other), effect(one, other, comparisons=4)
    assert alone is not None
    assert among is not None
    for narrow, wide in ((alone.share, among.share), (alone.times, among.times)):
        assert wide.low < narrow.low < narrow.difference == wide.difference < narrow.high < wide.high


@pytest.mark.parametrize(
    ("written", "held_out"),
    [(Group(29, 20), Group(900, 20)), (Group(900, 20), Group(0)), (Group(5000, 2), Group(500, 2))],
)
def test_of_too_few_people_nothing_is_said(written: Group, held_out: Group) -> None:
    assert effect(written, held_out) is None


@given(st.integers(30, 400), st.integers(30, 400), st.data())
def test_a_range_holds_its_difference_and_turns_with_the_groups(
    people: int, others: int, data: st.DataObject
) -> None:
    some, rest = data.draw(st.integers(3, people)), data.draw(st.integers(3, others))
    one, other = Group(people, some, some, some, some * 5.0, some * 25.0), Group(others, rest, rest, rest)
    found, turned = effect(one, other), effect(other, one)
    assert found is not None
    assert turned is not None
    for each, back in ((found.share, turned.share), (found.times, turned.times), (found.money, turned.money)):
        assert -1e9 < each.low <= each.difference <= each.high
        assert (each.low, each.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert -1 <= found.share.low <= found.share.high <= 1
