"""When a customer orders again, if ever: BG/NBD.

While with us, a customer orders at random at a rate of their own, lambda ~ Gamma(r, alpha) a week; after every
order they leave for good with a probability of their own, p ~ Beta(a, b). Equations by number are those of
P. S. Fader, B. G. S. Hardie and K. L. Lee, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD
Model", Marketing Science 24(2), 2005, 275-284.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from pipelines.scoring.lifetime.history import Floats, History, Ints
from pipelines.scoring.lifetime.likelihood import Maximum, maximise

# Around a value that is only approached (0/0 at a = 1, and at a + b = 1) we go straight from one side to the other:
# that is off by NEAR squared, and rounding costs 1e-16 / NEAR.
NEAR = 1e-5
# r, alpha, a, b. Where r or a would be above 100 customers are alike, and below 0.001 almost nobody orders again or
# leaves; beyond, neither the likelihood nor a forecast changes, but the series of the forecast overflows.
EDGES = ((1e-3, 100.0), (1e-6, 1e6), (1e-3, 100.0), (1e-3, 1000.0))


@dataclass(frozen=True)
class Timing:
    """The parameters of BG/NBD; the unit of time is the week."""

    r: float
    alpha: float
    a: float
    b: float

    def to_document(self) -> dict[str, float]:
        """Give them by name."""
        return asdict(self)


def log_likelihood(timing: Timing, history: History) -> float:
    """Give the logarithm of the chance of what was seen (equation 6), summed over all customers."""
    return _Likelihood(history)(np.array([timing.r, timing.alpha, timing.a, timing.b]))[0]


def fit(history: History, start: Timing | None = None) -> tuple[Timing, Maximum]:
    """Find the likeliest parameters. Raises NotFittedError when the search does not arrive."""
    scale = float(np.average(history.age, weights=history.customers)) or 1.0
    first = start or Timing(1.0, scale, 1.0, 1.0)
    from_here = (first.r, first.alpha, first.a, first.b)
    found = maximise(_Likelihood(history), from_here, EDGES, weight=float(history.total))
    return Timing(*found.parameters), found


class _Likelihood:
    """Equation 6 with its gradient; what does not depend on the parameters is worked out once.

    With w the chance that a customer has left, the second line of (6) is log(1 + w / (1 - w)), and every
    derivative of it is w times that of its exponent.
    """

    def __init__(self, history: History) -> None:
        again = history.frequency > 0
        self.x = history.frequency[again].astype(np.float64)
        self.count = history.customers[again].astype(np.float64)
        self.age, self.recency = history.age[again], history.recency[again]
        self.once_age, self.once = history.age[~again], history.customers[~again].astype(np.float64)
        # gamma functions are dear and ask for x alone, of which few differ
        self.each_x, where = np.unique(history.frequency, return_inverse=True)
        self.of_x = np.bincount(where, weights=history.customers)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Give the log-likelihood and its derivatives by r, alpha, a and b."""
        from scipy.special import expit

        r, alpha, a, b = parameters
        value, gradient = self._counts(r, alpha, a, b)
        once_log, log_age = np.log(alpha + self.once_age), np.log(alpha + self.age)
        orders = r + self.x
        waited = log_age - np.log(alpha + self.recency)
        odds = np.log(a) - np.log(b + self.x - 1) + orders * waited
        left = self.count * expit(odds)
        value -= r * (self.once @ once_log) + self.count @ (orders * log_age)
        value += self.count @ np.logaddexp(0.0, odds)
        gradient[0] -= self.once @ once_log + self.count @ log_age - left @ waited
        per_age = self.count * orders / (alpha + self.age)
        gradient[1] -= r * (self.once @ (1 / (alpha + self.once_age))) + per_age.sum()
        gradient[1] += (left * orders) @ (1 / (alpha + self.age) - 1 / (alpha + self.recency))
        gradient[2] += left.sum() / a
        gradient[3] -= left @ (1 / (b + self.x - 1))
        return float(value), gradient

    def _counts(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats]:
        from scipy.special import betaln, gammaln, psi

        x, n = self.each_x, self.of_x
        total = n.sum()
        value = n @ (gammaln(r + x) + betaln(a, b + x))
        value += total * (r * np.log(alpha) - gammaln(r) - betaln(a, b))
        both = total * psi(a + b) - n @ psi(a + b + x)
        gradient = np.array(
            [
                n @ psi(r + x) + total * (np.log(alpha) - psi(r)),
                total * r / alpha,
                both,
                both + n @ psi(b + x) - total * psi(b),
            ]
        )
        return float(value), gradient


def probability_left(timing: Timing, frequency: Ints, recency: Floats, age: Floats) -> Floats:
    """Give the chance that customers have left; 0 for who ordered once, for one leaves after a repeated order only.

    One less P(alive | x, t_x, T): Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model", 2008,
    http://www.brucehardie.com/notes/021/.
    """
    from scipy.special import expit

    again = np.maximum(frequency, 1)
    waited = np.log(timing.alpha + age) - np.log(timing.alpha + recency)
    odds = np.log(timing.a) - np.log(timing.b + again - 1) + (timing.r + frequency) * waited
    left: Floats = np.where(frequency > 0, expit(odds), 0.0)
    return left


def expected_orders(timing: Timing, frequency: Ints, recency: Floats, age: Floats, weeks: float) -> Floats:
    """Give the number of orders to expect of customers in the next `weeks` (equation 10)."""
    stays = 1 - probability_left(timing, frequency, recency, age)
    # what is dear depends on (x, T) alone, of which few differ
    pairs = np.empty(len(frequency), dtype=[("x", np.float64), ("age", np.float64)])
    pairs["x"], pairs["age"] = frequency, age
    distinct, where = np.unique(pairs, return_inverse=True)
    ordered: Floats = stays * _while_with_us(timing, distinct["x"], distinct["age"], weeks)[where]
    return ordered


def expected_repeat_orders(timing: Timing, weeks: Floats) -> Floats:
    """Give the number of orders to expect of new customers in the `weeks` after their first (equation 9)."""
    distinct, where = np.unique(weeks, return_inverse=True)
    nothing = np.zeros(len(distinct))
    repeated: Floats = _while_with_us(timing, nothing, nothing, distinct)[where]
    return repeated


def _while_with_us(timing: Timing, x: Floats, age: Floats, weeks: Floats | float) -> Floats:
    """Give the orders to expect in `weeks` of customers who are with us now: equation 10 before its denominator.

    At a = 1, and for x = 0 at a + b = 1, numerator and denominator vanish together.
    """
    a, both = timing.a, timing.a + timing.b
    if abs(a - 1) < NEAR:
        sides = [replace(timing, a=1 + side) for side in (-NEAR, NEAR)]
        share = (a - 1 + NEAR) / (2 * NEAR)
    elif abs(both - 1) < NEAR:
        sides = [replace(timing, b=1 - a + side) for side in (-NEAR, NEAR)]
        share = (both - 1 + NEAR) / (2 * NEAR)
    else:
        return _closed_form(timing, x, age, weeks)
    below, above = (_closed_form(side, x, age, weeks) for side in sides)
    between: Floats = (1 - share) * below + share * above
    return between


def _closed_form(timing: Timing, x: Floats, age: Floats, weeks: Floats | float) -> Floats:
    """Evaluate (a+b+x-1)/(a-1) [1 - (1-z)^(r+x) 2F1(r+x, b+x; a+b+x-1; z)], z = t/(alpha+T+t).

    Euler's transformation (DLMF 15.8.1) makes of the product (1-z)^(a-1) 2F1(a-1, a+b-1-r; a+b+x-1; z): parameters
    that do not grow with x, so that nothing overflows at a thousand orders.
    """
    from scipy.special import hyp2f1

    r, alpha, a, b = timing.r, timing.alpha, timing.a, timing.b
    z = weeks / (alpha + age + weeks)
    with np.errstate(invalid="ignore"):  # 0 times infinity, which is told again below
        silent = np.exp((a - 1) * np.log1p(-z)) * hyp2f1(a - 1, a + b - 1 - r, a + b + x - 1, z)
    untold = np.flatnonzero(~np.isfinite(silent))
    if untold.size:  # scipy 1.17 has no value for 3 in 10,000 of what may be fitted (2026-11-24)
        silent[untold] = _exactly(timing, np.broadcast_to(x, z.shape)[untold], z[untold])
    orders: Floats = (a + b + x - 1) / (a - 1) * (1 - silent)
    return orders


def _exactly(timing: Timing, x: Floats, z: Floats) -> list[float]:
    """Evaluate the product of `_closed_form` with numbers that cannot overflow; a millisecond each."""
    import mpmath

    r, a, b = timing.r, timing.a, timing.b
    return [
        float((1 - at) ** (a - 1) * mpmath.hyp2f1(a - 1, a + b - 1 - r, a + b + count - 1, at))
        for count, at in zip(map(mpmath.mpf, x), map(mpmath.mpf, z), strict=True)
    ]


def weeks_to_next_order(timing: Timing, frequency: Ints, recency: Floats, age: Floats) -> Floats:
    """Give the weeks from now within which customers are as likely to have ordered as not; infinite for who may never.

    Nobody orders within t who has left, or who is with us and is silent: (alpha + T) / (alpha + T + t) to the power of
    r + x, for their rate is Gamma(r + x, alpha + T).
    """
    stays = 1 - probability_left(timing, frequency, recency, age)
    with np.errstate(divide="ignore", over="ignore"):
        silence = np.where(stays > 0.5, np.log(stays / np.maximum(stays - 0.5, 0)), np.inf)
        weeks: Floats = (timing.alpha + age) * np.expm1(silence / (timing.r + frequency))
    return weeks
