"""How often one person's records agree is learnt from pairs that nobody labelled."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.identity.linking.expectation import Fitted, Patterns, fit, posterior

M = (np.array([0.9, 0.1]), np.array([0.8, 0.15, 0.05]), np.array([0.7, 0.3]))
U = (np.array([0.02, 0.98]), np.array([0.01, 0.04, 0.95]), np.array([0.05, 0.95]))
START = (np.array([0.8, 0.2]), np.array([0.8, 0.1, 0.1]), np.array([0.8, 0.2]))


def drawn(seed: int, matches: int, others: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    sides = []
    for shares, size in ((M, matches), (U, others)):
        sides.append(np.stack([rng.choice(len(each), size, p=each) for each in shares], axis=1))
    return np.concatenate(sides), np.arange(matches + others) < matches


def patterns(levels: NDArray[np.int64], known: NDArray[np.bool_] | None = None) -> Patterns:
    no = np.zeros(len(levels), dtype=np.bool_)
    ones = np.ones(len(levels))
    block = np.zeros(len(levels), dtype=np.int64)
    return Patterns(levels, block, no if known is None else known, no, no, ones, ones)


def worst(fitted: Fitted) -> float:
    return max(float(np.abs(found - true).max()) for found, true in zip(fitted.m, M, strict=True))


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_fit_finds_the_shares_that_pairs_were_drawn_with(seed: int) -> None:
    levels, _ = drawn(seed, 4000, 6000)
    assert worst(fit(patterns(levels), U, START)) < 0.04


def test_known_matches_say_nothing_about_how_many_there_are_among_the_rest() -> None:
    levels, match = drawn(3, 300, 30_000)
    assert worst(fit(patterns(levels, match), U, START)) < 0.05


def test_the_order_of_patterns_makes_no_difference_beyond_rounding() -> None:
    levels, _ = drawn(5, 500, 500)
    shuffled = np.random.default_rng(1).permutation(levels)
    one, other = fit(patterns(levels), U, START), fit(patterns(shuffled), U, START)
    assert all(np.allclose(a, b, atol=1e-9) for a, b in zip(one.m, other.m, strict=True))


def test_a_level_that_nobody_shows_stays_rare_and_possible() -> None:
    levels = np.zeros((50, 1), dtype=np.int64)
    fitted = fit(patterns(levels), (U[0],), (START[0],))
    assert 0 < fitted.m[0][1] < 0.05


def test_what_is_not_known_says_nothing() -> None:
    nothing = np.full((1, 3), -1)
    assert (
        posterior(nothing, M, U, np.array([0.3]))[0] == 0.3
        or abs(posterior(nothing, M, U, np.array([0.3]))[0] - 0.3) < 1e-12
    )
