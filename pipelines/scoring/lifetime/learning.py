"""Learn when customers order and what it is worth, and try the model on orders that it has not seen."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.scoring.lifetime import bg_nbd, gamma_gamma
from pipelines.scoring.lifetime.bg_nbd import Timing, expected_orders, expected_repeat_orders
from pipelines.scoring.lifetime.fits import Learnt, Standing
from pipelines.scoring.lifetime.gamma_gamma import Spending, Worth
from pipelines.scoring.lifetime.history import Floats, History
from pipelines.scoring.lifetime.likelihood import NotFittedError
from pipelines.scoring.lifetime.seen import DAYS, Counted, Watched, count_earlier

if TYPE_CHECKING:
    import duckdb

# Of CDNOW's 23,570 customers 60 draws each were fitted, and the orders of all foretold: with 100 in the draw who came
# back the sum was within a quarter of that of the whole fit in 83 % of draws, with 50 in 72 %, with 25 in 47 % (2026-11-22).
LEAST = 100
TRIAL_DAYS = 90
LEAST_TRIAL_DAYS = 28
GROUPS = 8  # of customers by repeated orders: 0 to 6, and 7 or more
FAR_OFF = 2.0  # a forecast of so many times what came, or as many times less, is not used


@dataclass(frozen=True)
class Trial:
    """A forecast of the last days from the days before them: orders in all, and by repeated orders until then."""

    days: int
    foretold: float
    came: int
    groups: tuple[tuple[int, float, int], ...]  # customers, foretold, came

    @property
    def is_far_off(self) -> bool:
        """Say whether the forecast is of no use; a few orders either way are chance."""
        return self.came >= LEAST and not 1 / FAR_OFF <= self.foretold / self.came <= FAR_OFF

    def __str__(self) -> str:
        return (
            f"of the last {self.days} days it foretold {self.foretold:,.0f} orders from the days before, and"
            f" {self.came:,} came"
        )

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        names = ("customers", "foretold", "came")
        groups = [dict(zip(names, group, strict=True)) for group in self.groups]
        return {"days": self.days, "foretold": self.foretold, "came": self.came, "groups": groups}


def learn(history: History, spending: Spending, start: Timing | None = None) -> Learnt:
    """Fit both models. Raises NotFittedError where nothing can be said of when customers order."""
    if history.returned < LEAST:
        raise NotFittedError(
            f"it takes {LEAST} customers who ordered on a second day to tell how customers come back, and there"
            f" are {history.returned}"
        )
    timing, found = bg_nbd.fit(history, start)
    try:
        worth, valued = _value(spending)
    except NotFittedError as error:
        return Learnt(timing, found.log_likelihood, None, None, str(error))
    return Learnt(timing, found.log_likelihood, worth, valued)


def _value(spending: Spending) -> tuple[Worth, float]:
    if len(spending) < LEAST:
        raise NotFittedError(
            f"it takes {LEAST} customers who paid in the company's currency to tell what orders are worth, and"
            f" there are {len(spending)}"
        )
    worth, found = gamma_gamma.fit(spending)
    return worth, found.log_likelihood


def stand(learnt: Learnt, history: History, spending: Spending) -> Standing:
    """Compare what is seen with what was learnt."""
    expected = float(history.customers @ expected_repeat_orders(learnt.timing, history.age))
    orders = history.repeat_orders / expected if expected else 1.0
    worth = None
    if learnt.worth and len(spending):
        # of customers, not of orders: the model's mean is over customers
        worth = float(spending.average.mean()) / learnt.worth.mean
    return Standing(history.total, orders, worth)


def try_out(connection: "duckdb.DuckDBPyConnection", watched: Watched, start: Timing) -> Trial | None:
    """Learn from all but the last days, foretell those, and count; None where too little lies before them."""
    days = min(TRIAL_DAYS, watched.days // 4)
    if days < LEAST_TRIAL_DAYS:
        return None
    until: date = watched.last - timedelta(days=days)
    counted = count_earlier(connection, until, watched.last)
    if counted.history.returned < LEAST:
        return None
    try:
        timing, _ = bg_nbd.fit(counted.history, start)
    except NotFittedError:
        return None
    history = counted.history
    each = expected_orders(timing, history.frequency, history.recency, history.age, days / DAYS)
    return _trial(days, counted, each * history.customers)


def _trial(days: int, counted: Counted, foretold: Floats) -> Trial:
    group = np.minimum(counted.history.frequency, GROUPS - 1)
    customers, told, came = (
        np.bincount(group, weights=column, minlength=GROUPS)
        for column in (counted.history.customers, foretold, counted.later)
    )
    groups = tuple(
        (int(one), float(two), int(three)) for one, two, three in zip(customers, told, came, strict=True)
    )
    return Trial(days, float(foretold.sum()), int(counted.later.sum()), groups)
