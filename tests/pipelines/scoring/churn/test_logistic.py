"""The regression finds what was planted, keeps its bounds, and its measures are what they are called."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from pipelines.scoring.churn.logistic import Floats, auc, cross_fit, fit_logistic, tenths


def planted(people: int, seed: int = 7) -> tuple[Floats, Floats]:
    """Draw two features and an outcome whose log-odds are -1 + 2 x - y."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(people, 2))
    return rows, (rng.random(people) < expit(-1 + 2 * rows[:, 0] - rows[:, 1])).astype(np.float64)


def test_planted_weights_are_found() -> None:
    rows, outcome = planted(20_000)
    model = fit_logistic(rows, outcome)
    assert model.weights / model.scale == pytest.approx([2, -1], abs=0.1)


def test_what_may_not_lower_a_risk_does_not() -> None:
    rows, outcome = planted(5_000)
    model = fit_logistic(rows, outcome, never_lowering=(1,))
    assert model.weights[1] == 0
    assert model.weights[0] > 0


def test_foretold_and_happened_have_one_mean() -> None:
    rows, outcome = planted(5_000)
    assert fit_logistic(rows, outcome).chance(rows).mean() == pytest.approx(outcome.mean(), abs=1e-3)


def test_contributions_add_up_to_the_log_odds() -> None:
    rows, outcome = planted(2_000)
    model = fit_logistic(rows, outcome)
    assert expit(model.intercept + model.contributions(rows).sum(axis=1)) == pytest.approx(model.chance(rows))


def test_a_feature_that_everybody_has_alike_says_nothing() -> None:
    rows, outcome = planted(2_000)
    flat = np.column_stack([rows, np.full(len(rows), 3.0)])
    assert fit_logistic(flat, outcome).weights[2] == pytest.approx(0, abs=1e-9)


def test_people_whom_the_model_had_not_seen_do_as_it_says() -> None:
    rows, outcome = planted(20_000)
    found = cross_fit(rows, outcome, np.arange(len(rows), dtype=np.uint64) * 7919)
    assert found.error < 0.02
    assert found.auc > 0.85
    assert found.slope == pytest.approx(1, abs=0.1)
    assert sum(people for _, _, people in found.tenths) == len(rows)


def test_where_nothing_can_be_learnt_the_measure_says_so() -> None:
    rng = np.random.default_rng(3)
    rows, outcome = rng.normal(size=(5_000, 3)), (rng.random(5_000) < 0.4).astype(np.float64)
    found = cross_fit(rows, outcome, rng.integers(0, 2**32, 5_000).astype(np.uint64))
    assert found.auc == pytest.approx(0.5, abs=0.03)


pairs = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(happened for _, happened in rows) < len(rows)
)


@given(pairs)
def test_auc_is_the_chance_that_who_left_had_the_higher_risk(rows: list[tuple[int, bool]]) -> None:
    left = [chance for chance, happened in rows if happened]
    stayed = [chance for chance, happened in rows if not happened]
    wins = sum((one > other) + (one == other) / 2 for one, other in product(left, stayed))
    chance, outcome = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    assert auc(chance, outcome) == pytest.approx(wins / (len(left) * len(stayed)))


@given(pairs)
def test_tenths_hold_everybody_once(rows: list[tuple[int, bool]]) -> None:
    chance, outcome = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    error, parts = tenths(chance / 5, outcome)
    assert sum(people for _, _, people in parts) == len(rows)
    assert sum(happened * people for _, happened, people in parts) == pytest.approx(outcome.sum())
    assert 0 <= error <= 1
