"""Churn by rules, where there is too little history to learn from. The points are ours, and the column says so.

How overdue an order is counts most: silence beyond a multiple of the person's own rhythm is what every model of
repeat buying rests on (Schmittlein, Morrison and Colombo, Management Science 33, 1987). What went wrong adds to it.
"""

import numpy as np

from pipelines.scoring.churn.features import NAMES, Floats, Known, features, usual_gap

BASE = 0.15  # who has just ordered may have done so for the last time
STEPS = ((3.0, 0.60), (2.0, 0.40), (1.0, 0.20))  # from so many usual gaps of silence on
POINTS = {
    "open_complaint": 0.15,
    "late_parcel": 0.10,
    "slow_answer": 0.10,
    "repeat_contact": 0.05,
    "unhappy": 0.05,
    "falling_mood": 0.10,
}
CERTAIN = 0.95  # nobody is lost for certain


def points(known: Known, common_gap: float) -> Floats:
    """Give the points of each buyer, a column a name of NAMES; overdue has the step, the others are there or not."""
    silence = np.maximum(known.silent_days, 0) / usual_gap(known, common_gap)
    rows = features(known, common_gap) > 0
    found = np.zeros(rows.shape)
    found[:, NAMES.index("overdue")] = np.select(
        [silence >= gaps for gaps, _ in STEPS], [more for _, more in STEPS]
    )
    for name, value in POINTS.items():
        found[:, NAMES.index(name)] = rows[:, NAMES.index(name)] * value
    return found


def risk(found: Floats) -> Floats:
    """Add points to the base, up to CERTAIN."""
    summed: Floats = np.minimum(BASE + found.sum(axis=1), CERTAIN)
    return summed
