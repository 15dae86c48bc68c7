"""Which fit a build scores by: the one that stands, a new one, or none, with a sentence that says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.scoring.lifetime.fits import Fit, keep_fit, newest_fit, why_refit
from pipelines.scoring.lifetime.gamma_gamma import Spending
from pipelines.scoring.lifetime.learning import learn, stand, try_out
from pipelines.scoring.lifetime.likelihood import NotFittedError
from pipelines.scoring.lifetime.seen import Counted, Watched, read_spending

if TYPE_CHECKING:
    import duckdb

NO_ORDERS = "No lifetime value: no order has landed yet."
NO_TRIAL = "there is too little history to try it on orders that it has not seen"


@dataclass(frozen=True)
class LifetimeOrder:
    """As of when to score (naive UTC), and the company's currency, whose minor units values are in."""

    as_of: datetime
    currency: str


@dataclass(frozen=True)
class Outcome:
    """What to score by: `state` is fitted, kept or refused; `fit` is None where it is refused."""

    state: str
    sentence: str
    fit: Fit | None = None


def settle(
    connection: "duckdb.DuckDBPyConnection", order: LifetimeOrder, watched: Watched | None, counted: Counted
) -> Outcome:
    """Keep the fit that stands or make a new one, which is remembered in the attached state."""
    if watched is None:
        return Outcome("refused", NO_ORDERS)
    spending = read_spending(connection)
    kept = newest_fit(connection, order.currency, order.as_of)
    standing = stand(kept.learnt, counted.history, spending) if kept else None
    reason = why_refit(kept, order.as_of, standing)
    if kept and not reason:
        return Outcome("kept", kept.sentence, kept)
    try:
        fit = _fit(connection, order, watched, counted, spending)
    except NotFittedError as error:
        return Outcome("refused", f"No lifetime value: {error}.")
    keep_fit(connection, order.currency, fit, reason or "")
    return Outcome("fitted", fit.sentence, fit)


def _fit(
    connection: "duckdb.DuckDBPyConnection",
    order: LifetimeOrder,
    watched: Watched,
    counted: Counted,
    spending: Spending,
) -> Fit:
    history = counted.history
    learnt = learn(history, spending)
    trial = try_out(connection, watched, learnt.timing)
    if trial and trial.is_far_off:
        raise NotFittedError(f"{trial}, so the model is not used")
    standing = stand(learnt, history, spending)
    checks = {
        "orders": standing.orders,
        "worth": standing.worth,
        "trial": trial.to_document() if trial else None,
    }
    sentence = (
        f"Learnt from {history.total:,} customers, of whom {history.returned:,} came back, until"
        f" {watched.last}: {trial or NO_TRIAL}."
    )
    return Fit(order.as_of, watched.last, history.total, sentence, learnt, checks)
