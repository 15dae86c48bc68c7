"""Graphs of a known shape, for benchmarks and for tests: what people's identifiers look like, and what hurts.

Each is two arrays of node hashes, an entry per edge. `hashed` gives numbers the look of real keys; sequential
ids are kept where a shape is asked for with them, because label-passing methods need many rounds there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Pairs = tuple[Hashes, Hashes]

# Component sizes of a trial of 2026-11-21 (5M edges, 6.68M nodes, all of them forests): 3.97 nodes on average.
POWER = 2.661
LARGEST = 500
# How many values of each kind one person may have; the fifth kind (orders, conversations) has no limit.
KIND_LIMITS = (1, 4, 4, 5)
UNLIMITED = len(KIND_LIMITS)
SECOND_ACCOUNTS = 0.001  # share of nodes that are a second external id; 1.5 % then share a component with one, as in a trial
BOUNDARIES = (0, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)


@dataclass(frozen=True)
class People:
    """A graph of people: edges by place (`one` was there first), and per node its hash and kind."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    hashes: Hashes
    kind: NDArray[np.int8]

    @property
    def pairs(self) -> Pairs:
        """Give the edges by hash."""
        return self.hashes[self.one], self.hashes[self.other]


def hashed(numbers: NDArray[np.generic] | range, seed: int = 0) -> Hashes:
    """Turn numbers into 64-bit hashes, none twice (splitmix64, Steele et al. 2014: a bijection)."""
    with np.errstate(over="ignore"):
        mixed = np.asarray(numbers).astype(np.uint64) + np.uint64(
            (0x9E3779B97F4A7C15 * (seed + 1)) & (2**64 - 1)
        )
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def power_law(edges: int, seed: int) -> People:
    """Make people whose number of identifiers follows a power law, as random trees, in a random order of edges.

    A person has one external id, up to four e-mails and phones and five devices, and any number of orders; a
    few nodes are an external id too many.
    """
    rng = np.random.default_rng(seed)
    sizes = _sizes(rng, edges)
    starts = np.cumsum(sizes) - sizes
    place = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    later = place > 0
    other = np.flatnonzero(later)
    one = other - place[later] + (rng.random(len(other)) * place[later]).astype(np.int64)
    kind = np.full(len(place), UNLIMITED, dtype=np.int8)
    few = place < len(_KINDS)
    kind[few] = _KINDS[place[few]]
    kind[later & (rng.random(len(place)) < SECOND_ACCOUNTS)] = 0
    order = rng.permutation(len(other))[:edges]
    return People(one[order], other[order], hashed(np.arange(len(place)), seed), kind)


_KINDS = np.array([0, 1, 2, 4, 3, 1, 4, 4, 2, 3, 4], dtype=np.int8)


def _sizes(rng: np.random.Generator, edges: int) -> NDArray[np.int64]:
    sizes = np.arange(2, LARGEST + 1)
    weights = sizes**-POWER
    weights /= weights.sum()
    mean = float((weights * (sizes - 1)).sum())
    drawn = rng.choice(sizes, size=int(edges / mean * 1.02) + 100, p=weights)
    enough = int(np.searchsorted(np.cumsum(drawn - 1), edges)) + 1
    return np.asarray(drawn[:enough], dtype=np.int64)


def chain(edges: int, paths: int = 1, seed: int | None = None) -> Pairs:
    """Make paths of equal length: with sequential ids, or with hashed ones when there is a seed."""
    length = edges // paths
    one = (np.arange(paths)[:, None] * (length + 1) + np.arange(length)).ravel()
    numbers = one, one + 1
    if seed is not None:
        return hashed(numbers[0], seed), hashed(numbers[1], seed)
    return numbers[0].astype(np.uint64), numbers[1].astype(np.uint64)


def star(leaves: int, seed: int = 0) -> Pairs:
    """Make one node beside so many others: a kiosk, a placeholder."""
    return hashed(np.zeros(leaves), seed), hashed(np.arange(1, leaves + 1), seed)


def barbell(side: int, seed: int = 0) -> Pairs:
    """Make two dense groups of `side` nodes, tied by one edge to each from a node between: a shared phone.

    The node between is the last but none: number 2 * side.
    """
    left, right = np.triu_indices(side, 1)
    bridge = np.array([0, side]), np.array([2 * side, 2 * side])
    one = np.concatenate([left, left + side, bridge[0]])
    other = np.concatenate([right, right + side, bridge[1]])
    return hashed(one, seed), hashed(other, seed)


def boundaries() -> Pairs:
    """Tie the numbers at the edges of 32 and 64 bits to one another, two by two."""
    keys = np.array(BOUNDARIES, dtype=np.uint64)
    return keys[::2], keys[1::2]
