"""Find the positive parameters that make what was seen likeliest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.scoring.lifetime.history import Floats

FLAT = 1e-5  # of the log-likelihood of one customer, by the logarithm of a parameter
Edges = tuple[float, float]
Score = Callable[[Floats], tuple[float, Floats]]


class NotFittedError(Exception):
    """No parameters fit what was seen; the message is a sentence for a person."""


@dataclass(frozen=True)
class Maximum:
    """The likeliest parameters, and the log-likelihood of all customers there."""

    parameters: tuple[float, ...]
    log_likelihood: float
    evaluations: int
    at_edge: bool


def maximise(score: Score, start: Sequence[float], edges: Sequence[Edges], weight: float) -> Maximum:
    """Climb from `start` to the maximum of `score`, which gives the log-likelihood and its gradient.

    Each parameter stays within its `edges`. The search goes over the parameters' logarithms, by L-BFGS-B with exact
    derivatives (Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 16(5), 1995); `weight` is the number of customers,
    so that tolerances do not depend on it. Raises NotFittedError when it does not arrive.
    """
    from scipy.optimize import minimize

    lowest, highest = np.log(np.asarray(edges, dtype=np.float64)).T

    def loss(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = score(parameters)
        return -value / weight, -gradient * parameters / weight

    found = minimize(
        loss,
        np.clip(np.log(np.asarray(start, dtype=np.float64)), lowest, highest),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(lowest, highest, strict=True)),
        options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500},
    )
    # "abnormal" ends the search where rounding hides any further gain: fine where nothing but an edge pushes
    free = found.x - np.clip(found.x - found.jac, lowest, highest)
    if not np.isfinite(found.fun) or not (found.success or float(np.abs(free).max()) < FLAT):
        raise NotFittedError("the search for the likeliest parameters did not come to an end")
    return Maximum(
        parameters=tuple(float(value) for value in np.exp(found.x)),
        log_likelihood=float(-found.fun * weight),
        evaluations=int(found.nfev),
        at_edge=bool(((found.x <= lowest) | (found.x >= highest)).any()),
    )
