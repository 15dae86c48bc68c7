"""Logistic regression with a ridge, some of whose weights may not be negative; and how well it is calibrated.

The likelihood is maximised by L-BFGS-B (Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 16, 1995), which knows
bounds. It is 60 lines over scipy, which is here already; scikit-learn would bring 35 MB for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

Floats = npt.NDArray[np.float64]
RIDGE = 1.0  # on weights of standardised features: one person's worth of doubt
LOTS = 5


@dataclass(frozen=True)
class Logistic:
    """A fitted model: weights of standardised features, and by what they are standardised."""

    intercept: float
    weights: Floats
    mean: Floats
    scale: Floats

    def contributions(self, rows: Floats) -> Floats:
        """Give what each feature adds to the log-odds of each row, compared with an average person."""
        parts: Floats = (rows - self.mean) / self.scale * self.weights
        return parts

    def chance(self, rows: Floats) -> Floats:
        """Give the chance of each row."""
        found: Floats = expit(self.intercept + self.contributions(rows).sum(axis=1))
        return found


def fit_logistic(rows: Floats, outcome: Floats, *, never_lowering: Sequence[int] = ()) -> Logistic:
    """Fit a model of `outcome` (0 or 1); features `never_lowering` get no weight below 0."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x = np.column_stack([np.ones(len(rows)), (rows - mean) / scale])
    ridge = np.concatenate([[0.0], np.full(rows.shape[1], RIDGE)])
    bounds = [(None, None)] + [(0.0 if at in never_lowering else None, None) for at in range(rows.shape[1])]

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = x @ weights
        value = float(np.logaddexp(0, z).sum() - outcome @ z + (ridge * weights**2).sum() / 2)
        gradient: Floats = x.T @ (expit(z) - outcome) + ridge * weights
        return value / len(x), gradient / len(x)

    found = minimize(
        loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}
    )
    return Logistic(float(found.x[0]), np.asarray(found.x[1:]), mean, scale)


@dataclass(frozen=True)
class Calibration:
    """How chances are set right by people whom the model had not seen (Platt, 1999), and how well it then foretells.

    `auc` is the chance that who left had the higher risk of two; `error` the mean distance of a tenth's chance
    from what happened (expected calibration error); `tenths` are (foretold, happened, people).
    """

    shift: float
    slope: float
    auc: float
    brier: float
    error: float
    tenths: tuple[tuple[float, float, int], ...]

    def apply(self, chance: Floats) -> Floats:
        """Set chances right."""
        found: Floats = expit(self.shift + self.slope * logit(np.clip(chance, 1e-6, 1 - 1e-6)))
        return found


def cross_fit(
    rows: Floats, outcome: Floats, lot: npt.NDArray[np.uint64], *, never_lowering: Sequence[int] = ()
) -> Calibration:
    """Foretell every fifth of the people by a model of the others, and compare with what happened.

    `lot` divides people by chance, the same in every build.
    """
    unseen, fold = np.empty(len(rows)), lot % LOTS
    for at in range(LOTS):
        others = fold != at
        model = fit_logistic(rows[others], outcome[others], never_lowering=never_lowering)
        unseen[~others] = model.chance(rows[~others])
    z = logit(np.clip(unseen, 1e-6, 1 - 1e-6))
    right = fit_logistic(z[:, None], outcome, never_lowering=(0,))
    slope = float(right.weights[0] / right.scale[0])
    shift = float(right.intercept - slope * right.mean[0])
    chance = np.asarray(expit(shift + slope * z))
    return Calibration(
        shift, slope, auc(chance, outcome), float(((chance - outcome) ** 2).mean()), *tenths(chance, outcome)
    )


def auc(chance: Floats, outcome: Floats) -> float:
    """Give the area under the ROC curve by ranks (Mann-Whitney); ties count half."""
    _, place, count = np.unique(chance, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    ones = outcome.sum()
    return float((rank[outcome == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(outcome) - ones)))


def tenths(chance: Floats, outcome: Floats) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Compare, for each tenth of the people by chance, the mean chance with the share that it happened to."""
    parts = [part for part in np.array_split(np.argsort(chance, kind="stable"), 10) if len(part)]
    found = tuple((float(chance[part].mean()), float(outcome[part].mean()), len(part)) for part in parts)
    error = sum(abs(foretold - happened) * people for foretold, happened, people in found) / len(chance)
    return float(error), found
