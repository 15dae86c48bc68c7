"""What a campaign changed: those who were written to beside those who were held out by lot, with an honest interval.

Both groups are compared as they were drawn, whether or not a message arrived, so that nothing but the lot tells them apart.
Pure functions of sums; the intervals are

- of a difference of shares: Newcombe's method 10, which puts Wilson's intervals together (R. G. Newcombe, Interval
  estimation for the difference between independent proportions, Statistics in Medicine 17, 1998). It holds also near 0;
- of a difference of means: Welch's (B. L. Welch, Biometrika 34, 1947).

Where several variants are compared with one holdout, each interval is as much wider as Bonferroni asks, so that all of them
hold together.
"""

import math
from dataclasses import dataclass

LEVEL = 0.95
FEWEST = 30  # people of a group, below which nothing is said
FEWEST_REACHED = 5  # people of both groups who did it; with fewer, the means are no bell


@dataclass(frozen=True)
class Group:
    """The sums of one group: its people, those who reached the goal, how often, and their money in minor units."""

    people: int
    reached: int = 0
    times: float = 0.0
    times_squared: float = 0.0
    money: float = 0.0
    money_squared: float = 0.0


@dataclass(frozen=True)
class Interval:
    """A difference with the range in which it lies at the level that was asked for."""

    difference: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Say whether the range leaves out that nothing changed."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Effect:
    """What one variant changed for each person: the share who reached the goal, how often they did, and money."""

    share: Interval
    times: Interval
    money: Interval


def effect(written: Group, held_out: Group, comparisons: int = 1, level: float = LEVEL) -> Effect | None:
    """Compare a group with those held out; None where either is too small to say anything.

    `comparisons` is how many groups are compared with the same holdout.
    """
    if min(written.people, held_out.people) < FEWEST or written.reached + held_out.reached < FEWEST_REACHED:
        return None
    each = 1 - (1 - level) / comparisons
    return Effect(
        share=_of_shares(written.reached, written.people, held_out.reached, held_out.people, each),
        times=_of_means(
            _moments(written.people, written.times, written.times_squared),
            _moments(held_out.people, held_out.times, held_out.times_squared),
            each,
        ),
        money=_of_means(
            _moments(written.people, written.money, written.money_squared),
            _moments(held_out.people, held_out.money, held_out.money_squared),
            each,
        ),
    )


def _of_shares(some: int, people: int, others: int, other_people: int, level: float) -> Interval:
    share, low, high = _wilson(some, people, level)
    other, other_low, other_high = _wilson(others, other_people, level)
    difference = share - other
    below = math.hypot(share - low, other_high - other)
    above = math.hypot(high - share, other - other_low)
    return Interval(difference, difference - below, difference + above)


def _wilson(some: int, people: int, level: float) -> tuple[float, float, float]:
    from scipy.stats import binomtest  # a second to import

    interval = binomtest(some, people).proportion_ci(level, method="wilson")
    return some / people, float(interval.low), float(interval.high)


def _moments(people: int, total: float, squares: float) -> tuple[int, float, float]:
    """Give the people, their mean and their variance."""
    mean = total / people
    return people, mean, max(squares - people * mean * mean, 0.0) / (people - 1)


def _of_means(one: tuple[int, float, float], other: tuple[int, float, float], level: float) -> Interval:
    from scipy.stats import t

    (people, mean, variance), (others, other_mean, other_variance) = one, other
    difference = mean - other_mean
    error, other_error = variance / people, other_variance / others
    both = error + other_error
    if both == 0:
        return Interval(difference, difference, difference)
    freedom = both**2 / (error**2 / (people - 1) + other_error**2 / (others - 1))
    reach = float(t.ppf(0.5 + level / 2, freedom)) * math.sqrt(both)
    return Interval(difference, difference - reach, difference + reach)
