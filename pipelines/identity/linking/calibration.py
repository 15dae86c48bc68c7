"""From match weights to probabilities that mean what they say, and the thresholds that follow from them.

Two things make the sum of weights too sure. Its prior is that of any two records, while what is scored are
pairs that keys left apart: the prior here is the share of matches among those, from the fit itself. And an
address and a name are no independent evidence where families hand names down: of the pairs that agree on both,
some are father and son. Where both sides state a birth date they tell which, so the share of equal birth
dates among pairs that are certain without it is the certainty that can be had without one
(`without_birth_date`), corrected for how often one person's birth dates are mistyped.

Thresholds need no habit such as .95: the expected F-beta of merging all pairs above a probability is largest
where that probability is F / (1 + beta^2) (Lipton, Elkan and Narayanaswamy 2014, for beta 1). Strangers shown
as one are worse than one shown as two, so merging takes beta 0.5, and what a person should look at takes 2.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.identity.linking.expectation import Floats

MERGE_BETA, REVIEW_BETA = 0.5, 2.0
CERTAIN = 0.95  # of a match without the birth date, for its birth dates to be asked


@dataclass(frozen=True)
class BirthDates:
    """Pairs that are certain without their birth dates: how many of these agree, and how many differ."""

    agree: float
    differ: float

    def certainty(self, agreeing: float) -> float:
        """Give the share of one person among them, where `agreeing` of one person's birth dates do.

        One pair of each kind is imagined, so that no birth dates at all say 1/2 of nothing: with none, 1.
        """
        if not self.agree + self.differ:
            return 1.0
        share = (self.agree + 1) / (self.agree + self.differ + 2)
        return min(share / max(agreeing, 0.01), 1.0)


def best_threshold(probability: Floats, pairs: Floats, beta: float) -> float:
    """Give the probability above which to merge for the largest expected F-beta.

    `probability` has an entry a kind of pair, and `pairs` says how many there are of it.
    """
    order = np.argsort(-probability, kind="stable")
    right = np.cumsum((probability * pairs)[order])
    found = np.cumsum(pairs[order])
    expected = right[-1] if len(right) else 0.0
    if not expected:
        return 0.5
    score = (1 + beta**2) * right / (found + beta**2 * expected)
    return float(score.max() / (1 + beta**2))
