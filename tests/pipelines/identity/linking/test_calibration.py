"""Probabilities mean what they say, and thresholds follow from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity.linking.calibration import BirthDates, best_threshold

shares = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=30)


@given(shares)
def test_no_other_threshold_gives_a_better_expected_measure(probabilities: list[float]) -> None:
    probability = np.array(probabilities)
    pairs = np.ones(len(probability))

    def expected(threshold: float) -> float:
        chosen = probability >= threshold
        right, found = probability[chosen].sum(), chosen.sum()
        return float(2 * right / (found + probability.sum()))

    best = expected(best_threshold(probability, pairs, 1.0) - 1e-9)
    assert all(expected(threshold) <= best + 1e-9 for threshold in probability)


def test_merging_is_more_careful_than_looking() -> None:
    probability, pairs = np.array([0.99, 0.8, 0.4, 0.1]), np.array([10.0, 5.0, 5.0, 100.0])
    assert best_threshold(probability, pairs, 0.5) > best_threshold(probability, pairs, 2.0)


def test_birth_dates_that_differ_take_certainty_from_pairs_that_have_none() -> None:
    assert BirthDates(0, 0).certainty(1.0) == 1
    assert BirthDates(180, 20).certainty(1.0) == pytest.approx(181 / 202)


def test_birth_dates_that_are_often_mistyped_take_less() -> None:
    assert BirthDates(180, 20).certainty(0.9) == pytest.approx(181 / 202 / 0.9)
    assert BirthDates(200, 2).certainty(0.9) == 1
