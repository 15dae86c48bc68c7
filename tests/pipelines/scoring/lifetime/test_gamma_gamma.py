"""What an order is worth: the closed forms, and what cannot be fitted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import gammaln
from scipy.stats import gamma

from pipelines.samples.buying import BuyingModel, draw_spend
from pipelines.scoring.lifetime import gamma_gamma
from pipelines.scoring.lifetime.gamma_gamma import Spending, Worth, expected_worth
from pipelines.scoring.lifetime.likelihood import NotFittedError

positive = st.floats(0.05, 20)
worths = st.builds(Worth, positive, positive, st.floats(0.5, 200))
spendings = st.lists(st.tuples(st.integers(1, 30), st.floats(0.01, 5000)), min_size=1, max_size=8).map(
    lambda rows: Spending(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
)


@given(worths, spendings)
def test_what_was_spent_is_as_likely_as_the_paper_says(worth: Worth, spending: Spending) -> None:
    """Equation 1a, one customer at a time."""
    p, q, v = worth.p, worth.q, worth.v
    x, z = spending.orders, spending.average
    single = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
    single = single + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(v + x * z)
    assert gamma_gamma.log_likelihood(worth, spending) == pytest.approx(single.sum(), rel=1e-9, abs=1e-7)


@given(worths, spendings)
def test_the_gradient_is_the_slope_of_the_likelihood(worth: Worth, spending: Spending) -> None:
    score = gamma_gamma._Likelihood(spending)
    logs = np.log([worth.p, worth.q, worth.v])
    slope = approx_fprime(logs, lambda at: score(np.exp(at))[0], 1e-6)
    assert score(np.exp(logs))[1] * np.exp(logs) == pytest.approx(slope, rel=1e-3, abs=1e-3 * len(spending))


@pytest.mark.parametrize(("orders", "average"), [(1, 12.0), (4, 35.0), (30, 80.0)])
def test_the_worth_expected_is_the_mean_over_all_scales_that_somebody_may_have(
    orders: int, average: float
) -> None:
    """Given what they spent, nu ~ Gamma(px + q, v + x z), and an order is worth p / nu."""
    worth = Worth(6.2, 3.8, 26.0)
    shape, rate = worth.p * orders + worth.q, worth.v + orders * average
    mean = quad(lambda nu: worth.p / nu * gamma.pdf(nu, shape, scale=1 / rate), 0, np.inf)[0]
    found = expected_worth(worth, np.array([orders]), np.array([average]))
    assert found[0] == pytest.approx(mean, rel=1e-6)


@given(worths.filter(lambda worth: worth.q > 1.01), st.integers(1, 50), st.floats(0, 5000))
def test_the_worth_expected_lies_between_their_average_and_everybodys(
    worth: Worth, orders: int, average: float
) -> None:
    found = expected_worth(worth, np.array([orders]), np.array([average]))[0]
    low, high = sorted((average, worth.mean))
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9)


def test_simulated_spending_gives_back_its_parameters_in_any_unit_of_money() -> None:
    rng = np.random.default_rng(8)
    orders = 1 + rng.poisson(2, 40_000)
    buyer = np.repeat(np.arange(40_000), orders)
    spent = np.bincount(buyer, weights=draw_spend(rng, 40_000, buyer, BuyingModel()))
    pounds, found = gamma_gamma.fit(Spending(orders, spent / orders))
    pence, other = gamma_gamma.fit(Spending(orders, 100 * spent / orders))
    assert [pounds.p, pounds.q, pounds.v] == pytest.approx([6.2, 3.8, 26.0], rel=0.06)
    assert [pence.p, pence.q, pence.v / 100] == pytest.approx([pounds.p, pounds.q, pounds.v], rel=1e-4)
    assert other.log_likelihood == pytest.approx(found.log_likelihood - 40_000 * np.log(100), rel=1e-9)
    assert found.log_likelihood >= gamma_gamma.log_likelihood(
        Worth(6.2, 3.8, 26.0), Spending(orders, spent / orders)
    )


def test_customers_who_do_not_differ_are_all_expected_to_spend_the_mean() -> None:
    rng = np.random.default_rng(3)
    orders = 1 + rng.poisson(3, 4000)
    average = rng.gamma(5 * orders, 8 / orders)
    worth, _ = gamma_gamma.fit(Spending(orders, average))
    expected = expected_worth(worth, orders, average)
    assert expected.min() == pytest.approx(40, rel=0.05)
    assert expected.max() == pytest.approx(40, rel=0.05)


@pytest.mark.parametrize("average", [np.array([20.0]), np.full(500, 20.0)])
def test_equal_orders_are_refused_with_a_sentence(average: np.ndarray) -> None:
    with pytest.raises(NotFittedError, match="every order is worth the same"):
        gamma_gamma.fit(Spending(np.ones(len(average), dtype=np.int64), average))


def test_spending_without_an_average_is_refused_with_a_sentence() -> None:
    """With q at 0.7 a few buy a million times as much as most, and the mean grows with every customer."""
    rng = np.random.default_rng(2)
    orders = np.full(5000, 3)
    average = rng.gamma(6 * 3, 1, 5000) / 3 / rng.gamma(0.7, 1 / 10, 5000)
    with pytest.raises(NotFittedError, match="no average"):
        gamma_gamma.fit(Spending(orders, average))
