"""When people buy and what they spend, by models that a later estimate can be checked against.

Timing: BG/NBD. While alive a customer buys at random at their own rate, lambda ~ Gamma(r, alpha) a week;
after every purchase they leave for good with their own probability, p ~ Beta(a, b). Fader, Hardie and Lee,
"Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD Model", Marketing Science 24(2), 2005.

Spend: gamma-gamma. Orders of a customer are worth Gamma(p, nu) pounds, nu ~ Gamma(q, v). Fader and Hardie,
"The Gamma-Gamma Model of Monetary Value", 2013, http://www.brucehardie.com/notes/025/.
"""

from dataclasses import asdict, dataclass

import numpy as np

from pipelines.samples.arrays import Floats, Ints, Random

WEEK = np.timedelta64(7 * 86_400_000_000, "us")


@dataclass(frozen=True)
class BuyingModel:
    """The parameters of both models; weeks and pounds are the units."""

    r: float = 0.62
    alpha: float = 8.4
    a: float = 0.74
    b: float = 2.6
    p: float = 6.2
    q: float = 3.8
    v: float = 26.0

    def to_document(self) -> dict[str, object]:
        """Describe the models and their parameters for the truth."""
        return {"timing": "BG/NBD, weeks", "spend": "gamma-gamma, GBP an order", "parameters": asdict(self)}


@dataclass(frozen=True)
class Visits:
    """Who bought when: `buyer` is a position among the buyers, `week` counts from their first purchase."""

    buyer: Ints
    week: Floats


def draw_visits(rng: Random, horizon: Floats, model: BuyingModel) -> Visits:
    """Draw every purchase of buyers watched for `horizon` weeks from their first one, which counts."""
    count = len(horizon)
    rate = rng.gamma(model.r, 1 / model.alpha, count)
    leaving = rng.beta(model.a, model.b, count)
    buyers, weeks = [np.arange(count)], [np.zeros(count)]
    alive, now = np.arange(count), np.zeros(count)
    while len(alive):
        now = now + rng.exponential(1, len(alive)) / np.maximum(rate[alive], 1e-12)
        still = now < horizon[alive]
        alive, now = alive[still], now[still]
        buyers.append(alive)
        weeks.append(now)
        stays = rng.random(len(alive)) >= leaving[alive]
        alive, now = alive[stays], now[stays]
    return Visits(np.concatenate(buyers), np.concatenate(weeks))


def draw_spend(rng: Random, people: int, buyer: Ints, model: BuyingModel) -> Floats:
    """Draw what each order of `buyer` (positions below `people`) is worth, in pounds."""
    scale = rng.gamma(model.q, 1 / model.v, people)
    return rng.gamma(model.p, 1, len(buyer)) / scale[buyer]
