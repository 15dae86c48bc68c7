"""The closed forms against sums, integrals and simulated customers."""

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import betaln, gammaln

from pipelines.samples.buying import BuyingModel, draw_visits
from pipelines.scoring.lifetime import bg_nbd
from pipelines.scoring.lifetime.bg_nbd import NEAR, Timing, expected_orders, probability_left
from pipelines.scoring.lifetime.history import Floats, History, same_histories

PLANTED = Timing(0.62, 8.4, 0.74, 2.6)


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw as many small numbers as large ones."""
    return st.floats(np.log(low), np.log(high)).map(lambda log: float(np.exp(log)))


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    timing = Timing(
        draw(between(0.01, 100)),
        draw(between(0.01, 1000)),
        draw(between(0.01, 100)),
        draw(between(0.01, 1000)),
    )
    near = draw(st.sampled_from([0.0, 1e-12, 1e-8, NEAR / 3, NEAR, 3 * NEAR, -1e-8, -NEAR, None, None]))
    if near is not None:
        return Timing(timing.r, timing.alpha, 1 + near, timing.b)
    return timing


@st.composite
def histories(draw: st.DrawFn) -> History:
    size = draw(st.integers(1, 8))
    frequency = np.array(draw(st.lists(st.integers(0, 40), min_size=size, max_size=size)))
    age = np.array(draw(st.lists(st.floats(0, 300), min_size=size, max_size=size)))
    share = np.array(draw(st.lists(st.floats(0, 1), min_size=size, max_size=size)))
    return same_histories(frequency, np.where(frequency > 0, age * share, 0.0), age)


def customer(frequency: int, recency: float, age: float) -> tuple[np.ndarray, Floats, Floats]:
    return np.array([frequency]), np.array([recency]), np.array([age])


def likelihood_of_one(timing: Timing, x: int, t_x: float, age: float) -> float:
    """Equation 6 as it is printed, one customer at a time."""
    r, alpha, a, b = astuple(timing)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    if not x:
        return float(common + stayed)
    left = betaln(a + 1, b + x - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return float(common + np.logaddexp(stayed, left))


def integrated(timing: Timing, x: int, age: float, weeks: float) -> float:
    """Give the orders of who is with us by integration over p, their chance of leaving after an order.

    Somebody with lambda and p makes (1 - exp(-lambda p t)) / p orders in t; lambda ~ Gamma(r + x, alpha + T).
    The integral goes over y, p = 1 / (1 + exp(-y)), where nothing is steep.
    """
    r, alpha, a, b = astuple(timing)
    scaled = weeks / (alpha + age)

    def density(y: float) -> float:
        log_p, log_stay = -np.logaddexp(0, -y), -np.logaddexp(0, y)
        p = np.exp(log_p)
        orders = -np.expm1(-(r + x) * np.log1p(p * scaled)) / p if p > 1e-200 else (r + x) * scaled
        return float(orders * np.exp(a * log_p + (b + x) * log_stay - betaln(a, b + x)))

    centre = np.log(a / (b + x))
    cuts = [centre - 60 / min(a, 1), centre - 10, centre, centre + 10, centre + 60 / min(b + x, 1)]
    return sum(quad(density, low, high, epsabs=0, epsrel=1e-10, limit=400)[0] for low, high in pairwise(cuts))


@given(timings(), histories())
def test_counted_histories_are_as_likely_as_their_customers_one_by_one(
    timing: Timing, history: History
) -> None:
    columns = zip(history.frequency, history.recency, history.age, history.customers, strict=True)
    single = sum(n * likelihood_of_one(timing, int(x), t_x, age) for x, t_x, age, n in columns)
    assert bg_nbd.log_likelihood(timing, history) == pytest.approx(single, rel=1e-9, abs=1e-7)


@given(
    st.builds(Timing, between(0.05, 20), between(0.5, 200), between(0.05, 20), between(0.05, 20)), histories()
)
def test_the_gradient_is_the_slope_of_the_likelihood(timing: Timing, history: History) -> None:
    score = bg_nbd._Likelihood(history)
    logs = np.log(astuple(timing))
    slope = approx_fprime(logs, lambda at: score(np.exp(at))[0], 1e-6)
    gradient = score(np.exp(logs))[1] * np.exp(logs)
    assert gradient == pytest.approx(slope, rel=1e-3, abs=1e-3 * history.total)


@given(timings(), st.integers(0, 300), st.floats(0, 1000), st.sampled_from([4.0, 90 / 7, 365 / 7]))
@example(Timing(0.5, 8, 1.0, 0.5), 0, 10.0, 52.0)  # 0/0 in the paper's form
@example(Timing(0.5, 8, 0.4, 0.6), 0, 10.0, 52.0)  # 0/0 for those who ordered once
@example(Timing(0.5, 8, 0.7, 2.5), 200_000, 300.0, 52.0)  # 10^16,000 in the paper's form
@example(Timing(0.5, 0.001, 0.7, 2.5), 0, 0.0, 52.0)  # as near to the edge of convergence as can be
@example(
    Timing(np.e, 1, np.e, np.e**5), 1, 0.0, 90 / 7
)  # scipy's hyp2f1 is 1.8e-7 off (of 40 digits, 2026-11-22)
@example(Timing(np.e, 1, np.e, np.e), 123, 0.0, 90 / 7)  # scipy has no number for it
@example(Timing(94.0, 0.05, 37.95, 19.8), 193, 0.0, 90 / 7)  # nor for it, at the edge of z = 1
def test_orders_expected_of_who_is_with_us_are_the_integral_over_all_they_may_be(
    timing: Timing, frequency: int, age: float, weeks: float
) -> None:
    one = customer(frequency, age if frequency else 0.0, age)
    found = expected_orders(timing, *one, weeks) / (1 - probability_left(timing, *one))
    assert found[0] == pytest.approx(integrated(timing, frequency, age, weeks), rel=1e-6)


@given(timings(), histories())
def test_more_time_brings_more_orders_and_none_are_less_than_nothing(
    timing: Timing, history: History
) -> None:
    columns = history.frequency, history.recency, history.age
    quarter, year = (expected_orders(timing, *columns, weeks) for weeks in (90 / 7, 365 / 7))
    assert np.isfinite(year).all()
    assert (quarter >= 0).all()
    assert (year >= quarter * (1 - 1e-9)).all()


@given(timings(), st.integers(1, 100), st.floats(0, 300), st.floats(0, 300), st.floats(0, 50))
def test_the_longer_somebody_is_silent_the_likelier_they_have_left(
    timing: Timing, frequency: int, recency: float, silent: float, longer: float
) -> None:
    sooner, later = (
        probability_left(timing, *customer(frequency, recency, recency + quiet))[0]
        for quiet in (silent, silent + longer)
    )
    assert 0 <= sooner <= later * (1 + 1e-12) <= 1 + 1e-9


def test_where_hardly_anybody_leaves_orders_come_at_their_rate() -> None:
    """With a at nothing only gamma and Poisson are left: (r + x) / (alpha + T) orders a week."""
    timing = Timing(0.8, 10.0, 1e-3, 1000.0)
    expected = expected_orders(timing, *customer(5, 50.0, 50.0), 10.0)[0]
    assert expected == pytest.approx(10 * 5.8 / 60, rel=1e-4)


def test_a_history_without_time_says_nothing_and_does_no_harm() -> None:
    today = same_histories(np.zeros(3, dtype=np.int64), np.zeros(3), np.zeros(3))
    assert bg_nbd.log_likelihood(PLANTED, today) == pytest.approx(0, abs=1e-12)
    assert expected_orders(PLANTED, *customer(0, 0.0, 0.0), 365 / 7)[0] > 0


@pytest.fixture(scope="module")
def simulated() -> tuple[History, tuple[np.ndarray, Floats, Floats], np.ndarray]:
    """Draw 60,000 customers, watch them for up to 78 weeks, and count what they order in the 26 after."""
    rng = np.random.default_rng(11)
    seen = rng.uniform(5, 78, 60_000)
    visits = draw_visits(rng, seen + 26, BuyingModel(r=0.62, alpha=8.4, a=0.74, b=2.6))
    before = visits.week < seen[visits.buyer]
    frequency = np.bincount(visits.buyer[before], minlength=len(seen)) - 1
    recency = np.zeros(len(seen))
    np.maximum.at(recency, visits.buyer[before], visits.week[before])
    later = np.bincount(visits.buyer[~before], minlength=len(seen))
    return same_histories(frequency, recency, seen), (frequency, recency, seen), later


def test_simulated_customers_order_as_often_as_expected_in_every_group(
    simulated: tuple[History, tuple[np.ndarray, Floats, Floats], np.ndarray],
) -> None:
    _, customers, later = simulated
    expected = expected_orders(PLANTED, *customers, 26.0)
    left = probability_left(PLANTED, *customers)
    for group in (customers[0] == 0, customers[0] == 1, customers[0] > 3, left > 0.5, left < 0.1, left >= 0):
        error = np.sqrt((later[group] - expected[group]).var() / group.sum())
        assert later[group].mean() == pytest.approx(expected[group].mean(), abs=4 * error)


def test_simulated_customers_give_back_their_parameters(
    simulated: tuple[History, tuple[np.ndarray, Floats, Floats], np.ndarray],
) -> None:
    timing, found = bg_nbd.fit(simulated[0])
    assert [timing.r, timing.alpha] == pytest.approx([0.62, 8.4], rel=0.06)
    assert timing.a / (timing.a + timing.b) == pytest.approx(0.74 / 3.34, rel=0.06)
    assert found.log_likelihood >= bg_nbd.log_likelihood(PLANTED, simulated[0])
    assert not found.at_edge


def test_new_customers_repeat_as_often_as_expected() -> None:
    rng = np.random.default_rng(4)
    visits = draw_visits(rng, np.full(60_000, 40.0), BuyingModel(r=0.62, alpha=8.4, a=0.74, b=2.6))
    repeated = np.bincount(visits.buyer, minlength=60_000) - 1
    expected = bg_nbd.expected_repeat_orders(PLANTED, np.array([40.0, 40.0, 0.0]))
    assert expected[0] == expected[1]
    assert expected[2] == 0
    assert repeated.mean() == pytest.approx(expected[0], abs=4 * repeated.std() / np.sqrt(60_000))
