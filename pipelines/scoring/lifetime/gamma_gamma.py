"""What an order of a customer is worth: the gamma-gamma model.

Orders of a customer are worth Gamma(p, nu), and nu ~ Gamma(q, v) differs between customers, whatever their
frequency. Equations by number are those of P. S. Fader and B. G. S. Hardie, "The Gamma-Gamma Model of Monetary
Value", 2013, http://www.brucehardie.com/notes/025/.
"""

from dataclasses import asdict, dataclass

import numpy as np

from pipelines.scoring.lifetime.history import Floats, Ints
from pipelines.scoring.lifetime.likelihood import Maximum, NotFittedError, maximise

# p, q, and v as a multiple of the average order. At the upper ends of q and v customers do not differ, and all are
# expected to spend the mean.
EDGES = ((1e-3, 1e4), (1e-3, 1e4), (1e-6, 1e6))


@dataclass(frozen=True)
class Worth:
    """The parameters of the gamma-gamma model; v is in the money's unit."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """Give what an order of anybody is worth (equation 5 at x = 0)."""
        return self.p * self.v / (self.q - 1)

    def to_document(self) -> dict[str, float]:
        """Give them by name."""
        return asdict(self)


@dataclass(frozen=True)
class Spending:
    """Customers with `orders` (x, at least 1) that were worth `average` (z-bar, above 0) each."""

    orders: Ints
    average: Floats

    def __len__(self) -> int:
        """Count the customers."""
        return len(self.orders)


def log_likelihood(worth: Worth, spending: Spending) -> float:
    """Give the logarithm of the chance of what was spent (equation 1a), summed over all customers."""
    return _Likelihood(spending)(np.array([worth.p, worth.q, worth.v]))[0]


def fit(spending: Spending) -> tuple[Worth, Maximum]:
    """Find the likeliest parameters.

    Raises NotFittedError when the search does not arrive, when all spend the same, or when what people spend
    differs so much (q below 1) that it has no mean.
    """
    if len(spending) < 2 or np.ptp(spending.average) <= 1e-9 * float(spending.average.max()):
        raise NotFittedError("every order is worth the same, so nothing can be learnt from them")
    scale = float(np.average(spending.average, weights=spending.orders))
    scaled = Spending(spending.orders, spending.average / scale)
    found = maximise(_Likelihood(scaled), (3.0, 3.0, 1.0), EDGES, weight=float(len(spending)))
    p, q, v = found.parameters
    if q <= 1:
        raise NotFittedError("what customers spend differs so much that it has no average")
    likelihood = found.log_likelihood - len(spending) * float(np.log(scale))
    return Worth(p, q, v * scale), Maximum((p, q, v * scale), likelihood, found.evaluations, found.at_edge)


def expected_worth(worth: Worth, orders: Ints, average: Floats) -> Floats:
    """Give what the next order of customers is worth (equation 5): their average, drawn towards everybody's."""
    expected: Floats = worth.p * (worth.v + orders * average) / (worth.p * orders + worth.q - 1)
    return expected


class _Likelihood:
    """Equation 1a with its gradient; what does not depend on the parameters is worked out once."""

    def __init__(self, spending: Spending) -> None:
        self.x, self.spent = spending.orders.astype(np.float64), spending.orders * spending.average
        self.each_x, where = np.unique(self.x, return_inverse=True)
        self.of_x = np.bincount(where)
        self.x_logs = float(self.x @ np.log(self.spent))
        self.logs = float(np.log(spending.average).sum())

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Give the log-likelihood and its derivatives by p, q and v."""
        from scipy.special import gammaln, psi

        p, q, v = parameters
        x, n, total = self.each_x, self.of_x, len(self.x)
        log_all = np.log(v + self.spent)
        x_log_all, sum_log_all = float(self.x @ log_all), float(log_all.sum())
        value = n @ (gammaln(p * x + q) - gammaln(p * x)) + total * (q * np.log(v) - gammaln(q))
        value += p * self.x_logs - self.logs - p * x_log_all - q * sum_log_all
        gradient = np.array(
            [
                (n * x) @ (psi(p * x + q) - psi(p * x)) + self.x_logs - x_log_all,
                n @ psi(p * x + q) + total * (np.log(v) - psi(q)) - sum_log_all,
                total * q / v - float((p * self.x + q) @ (1 / (v + self.spent))),
            ]
        )
        return float(value), gradient
