"""Expectation maximisation over agreement patterns: how often one person's records agree, learnt without labels.

Fellegi and Sunter (1969), fitted as Winkler (1988) does, with three differences that a customer's data ask for.
Pairs that a strong key ties are known matches and stay so. All blocks are fitted at once, each with its own
share of matches and without the comparisons that it is made of; Splink fits them one by one and takes medians,
which need not sum to one, and in Splink 5.0 a level that no match shows underflows and ends the training. And
each level starts from a few imagined pairs, so that what was never seen is rare and not impossible.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IMAGINED = 4.0  # pairs a comparison, spread as the start is
TOLERANCE, MOST_ROUNDS = 1e-6, 100


@dataclass(frozen=True)
class Patterns:
    """Pairs counted by what they look like.

    `levels` has a row a pattern and a column a comparison: the place of the level, the best agreement first,
    -1 where one side is not known or the block is made of it. The others have an entry a pattern: its `block`,
    whether a strong key ties its pairs (`known`), whether they are never one
    person's (`never`) or may be but for their birth dates (`mergeable`), how many `pairs`
    it counts and in how many blocks each of these is (`blocks`).
    """

    levels: NDArray[np.int64]
    block: NDArray[np.int64]
    known: NDArray[np.bool_]
    never: NDArray[np.bool_]
    mergeable: NDArray[np.bool_]
    pairs: Floats
    blocks: Floats


@dataclass(frozen=True)
class Fitted:
    """m per comparison, and the probability of a match of each pattern."""

    m: tuple[Floats, ...]
    match: Floats


def fit(patterns: Patterns, strangers: tuple[Floats, ...], start: tuple[Floats, ...]) -> Fitted:
    """Fit m: the share of each level among pairs of one person.

    `strangers` is u per comparison and stays as it is; `start` is where m begins.
    """
    m, match, share = start, patterns.pairs, np.full(int(patterns.block.max(initial=0)) + 1, 0.5)
    asked = (
        ~patterns.known & ~patterns.never
    )  # the share is that of pairs of which nothing is known beforehand
    total = np.maximum(_per_block(patterns, patterns.pairs * asked), 1)
    for _ in range(MOST_ROUNDS):
        match = posterior(patterns.levels, m, strangers, share[patterns.block])
        match = np.where(patterns.never, 0.0, np.where(patterns.known, 1.0, match))
        weight = match * patterns.pairs
        share = np.clip(_per_block(patterns, weight * asked) / total, 1e-6, 1 - 1e-6)
        before, m = (
            m,
            tuple(_shares(patterns.levels[:, column], weight, begun) for column, begun in enumerate(start)),
        )
        if max(float(np.abs(new - old).max()) for new, old in zip(m, before, strict=True)) < TOLERANCE:
            break
    return Fitted(m, match)


def _per_block(patterns: Patterns, values: Floats) -> Floats:
    return np.asarray(np.bincount(patterns.block, values, int(patterns.block.max(initial=0)) + 1))


def posterior(
    levels: NDArray[np.int64], m: tuple[Floats, ...], u: tuple[Floats, ...], share: Floats
) -> Floats:
    """Give the probability of a match of each pattern, where `share` is that of its pairs before looking."""
    odds = np.log(share / (1 - share))
    for column, (one, other) in enumerate(zip(m, u, strict=True)):
        ratio = np.append(np.log(one / other), 0.0)  # the last entry is what -1 picks: nothing is known
        odds = odds + ratio[levels[:, column]]
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _shares(level: NDArray[np.int64], weight: Floats, start: Floats) -> Floats:
    seen = level >= 0
    counts = np.bincount(level[seen], weight[seen], len(start)) + IMAGINED * start
    return np.asarray(counts / counts.sum())
