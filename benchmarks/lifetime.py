"""What lifetime value costs for a million customers, against one plain search over the same counts, and what it foretells.

The plain search is what most people would write: the likelihood of BG/NBD over the counted histories, given to scipy's
L-BFGS-B, which differentiates it by trying each parameter a little to the side.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from scipy.optimize import minimize
from scipy.stats import spearmanr

from benchmarks.measure import Measured, measure
from pipelines.samples.buying import BuyingModel, draw_spend, draw_visits
from pipelines.samples.world import World
from pipelines.scoring.lifetime import bg_nbd, gamma_gamma
from pipelines.scoring.lifetime.gamma_gamma import Spending, expected_worth
from pipelines.scoring.lifetime.history import Floats, History, same_histories
from pipelines.scoring.lifetime.learning import learn
from pipelines.scoring.lifetime.outcome import LifetimeOrder
from pipelines.scoring.lifetime.score import score_lifetime
from pipelines.scoring.lifetime.seen import count_seen, read_spending
from pipelines.warehouse.connection import open_warehouse

GROUP = "lifetime"
CUSTOMERS = 1_000_000
WEEKS = 104.0
UNTIL = np.datetime64("2026-10-30", "D")
CDNOW_DAYS = 273  # 39 weeks
FITTED, PLAIN, WHOLE = "fit both models", "one plain search", "the whole step, from orders to scores"
_DAYS = """
    CREATE TABLE intermediate.int_lifetime__order_days AS
    SELECT 'cus_' || customer AS customer_id, ordered_on, 1 AS order_days, 1 AS own_order_days,
        sum(minor)::BIGINT AS own_net_minor
    FROM drawn GROUP BY ALL
"""


def lifetime_rows(folder: Path, customers: int = CUSTOMERS) -> list[Measured]:
    """Measure counting, fitting and the whole step over drawn customers, and the plain search over the same counts."""
    folder.mkdir(parents=True, exist_ok=True)
    order = LifetimeOrder(UNTIL.astype("M8[us]").item(), "GBP")
    name = f"{customers:,} customers"
    with open_warehouse(folder / "build.duckdb") as connection:
        _draw(connection, customers)
        count, counted = measure(
            GROUP,
            f"{name}: count histories",
            lambda: count_seen(connection, UNTIL.item()),
            lambda _: customers,
        )
        spending = read_spending(connection)
        fit, _ = measure(GROUP, FITTED, lambda: learn(counted.history, spending), lambda _: customers)
        plain, _ = measure(GROUP, PLAIN, lambda: plain_search(counted.history), lambda _: customers)
        whole, _ = measure(
            GROUP,
            WHOLE,
            lambda: score_lifetime(connection, folder / "state.duckdb", order),
            lambda report: report.scored,
        )
    return [count, plain, fit, whole]


def _draw(connection: duckdb.DuckDBPyConnection, customers: int) -> None:
    rng = np.random.default_rng(7)
    horizon = rng.uniform(0, WEEKS, customers)
    visits = draw_visits(rng, horizon, BuyingModel())
    ago = np.floor(7 * (horizon[visits.buyer] - visits.week)).astype(np.int64)
    minor = (100 * draw_spend(rng, customers, visits.buyer, BuyingModel())).astype(np.int64)
    drawn = pa.table({"customer": visits.buyer, "ordered_on": pa.array(UNTIL - ago), "minor": minor})
    connection.execute("CREATE SCHEMA intermediate")
    connection.register("drawn", drawn)
    connection.execute(_DAYS)
    connection.unregister("drawn")


def plain_search(history: History) -> Floats:
    """Fit BG/NBD as one would without knowing its derivatives; gives r, alpha, a and b."""
    from scipy.special import betaln, gammaln

    x, t_x, age, count = (history.frequency, history.recency, history.age, history.customers)
    again = np.maximum(x, 1)

    def loss(logs: Floats) -> float:
        r, alpha, a, b = np.exp(logs)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        left = betaln(a + 1, b + again - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
        each = common + np.logaddexp(stayed, np.where(x > 0, left, -np.inf))
        return float(-(count @ each) / count.sum())

    found: Floats = np.exp(minimize(loss, np.zeros(4), method="L-BFGS-B").x)
    return found


def times_plain(rows: Sequence[Measured]) -> str:
    """Compare our fits with the plain search."""
    spent = {row.name: row.cpu_seconds for row in rows if row.group == GROUP}
    if PLAIN not in spent:
        return ""
    return (
        f"Lifetime value: fitting both models takes {spent[FITTED] / spent[PLAIN]:.2f} times one plain search for one of"
        f" them, the whole step with its trial {spent[WHOLE] / spent[PLAIN]:.2f} times."
    )


def ranks_people(world: World, days: int = 90) -> tuple[float, float, float]:
    """Foretell what each buyer of a sample company spends in its last days, from the days before them.

    Gives Spearman's rank correlation with what they did spend: of the forecast, of what they had spent until then,
    and of a forecast by the parameters that were planted.
    """
    orders = world.history.orders
    end = orders.at.max().astype("M8[D]")
    day = (end - orders.at.astype("M8[D]")).astype(np.int64)
    counts = ~orders.cancelled
    size = len(world.history.people)
    before = counts & (day >= days)
    spent_before = np.bincount(orders.person[before], weights=orders.total[before], minlength=size)
    later = counts & ~before
    spent_later = np.bincount(orders.person[later], weights=orders.total[later], minlength=size)
    visits = np.unique(np.stack([orders.person[before], day[before]]), axis=1)
    bought = np.bincount(visits[0], minlength=size)
    first, last = np.full(size, -1), np.full(size, 10**6)
    np.maximum.at(first, visits[0], visits[1])
    np.minimum.at(last, visits[0], visits[1])
    buyers = bought > 0
    frequency = bought[buyers] - 1
    recency, age = (first - last)[buyers] / 7, (first[buyers] - days) / 7
    average = spent_before[buyers] / bought[buyers]
    learnt = learn(same_histories(frequency, recency, age), Spending(bought[buyers], average))
    planted = BuyingModel()
    worths = learnt.worth, gamma_gamma.Worth(planted.p, planted.q, 100 * planted.v)
    timings = learnt.timing, bg_nbd.Timing(planted.r, planted.alpha, planted.a, planted.b)
    came = spent_later[buyers]
    ranks = []
    for timing, worth in zip(timings, worths, strict=True):
        assert worth is not None
        each = bg_nbd.expected_orders(timing, frequency, recency, age, days / 7)
        ranks.append(float(spearmanr(each * expected_worth(worth, bought[buyers], average), came).statistic))
    return ranks[0], float(spearmanr(spent_before[buyers], came).statistic), ranks[1]


def sentence_of_ranks(people: int) -> str:
    """Say how well the sample company's buyers are put in order."""
    from pipelines.samples.world import make_world

    found, spent, planted = ranks_people(make_world(people, 7))
    return (
        f"Sample company, {people:,} people: what they spend in the last 90 days is foretold with a rank correlation of"
        f" {found:.2f} (Spearman); what they had spent gives {spent:.2f}, and the planted parameters {planted:.2f}."
    )


def sentence_of_cdnow() -> str:
    """Say what is found for CDNOW, where its file is."""
    found = cdnow_customers()
    if found is None:
        return ""
    frequency, recency, age, later = found
    timing, maximum = bg_nbd.fit(same_histories(frequency, recency, age))
    foretold = bg_nbd.expected_orders(timing, frequency, recency, age, 39.0).sum()
    return (
        f"CDNOW: r {timing.r:.3f}, alpha {timing.alpha:.3f}, a {timing.a:.3f}, b {timing.b:.3f},"
        f" LL {maximum.log_likelihood:.2f}; weeks 40 to 78: {foretold:,.0f} orders foretold, {later.sum():,} came"
        f" ({foretold / later.sum() - 1:+.1%})."
    )


def cdnow_customers() -> tuple[np.ndarray, Floats, Floats, np.ndarray] | None:
    """Read x, t_x and T in weeks after 39 weeks, and the days with an order in the 39 after; None without the file."""
    found = cdnow_days()
    if found is None:
        return None
    person, day = found
    seen = day < CDNOW_DAYS
    frequency = np.bincount(person[seen]) - 1
    first, last = np.full(len(frequency), CDNOW_DAYS), np.zeros(len(frequency), dtype=np.int64)
    np.minimum.at(first, person[seen], day[seen])
    np.maximum.at(last, person[seen], day[seen])
    later = np.bincount(person[~seen], minlength=len(frequency))
    return frequency, (last - first) / 7, (CDNOW_DAYS - 1 - first) / 7, later


def cdnow_days() -> tuple[np.ndarray, np.ndarray] | None:
    """Read who ordered on which day, counted from 1997-01-01; None without the file."""
    named = os.environ.get("RAPPORT_REAL_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    path = folder / "cdnow" / "CDNOW_sample.txt"
    if not path.exists():
        return None
    lines = np.unique(np.loadtxt(path, usecols=(1, 2), dtype=np.int64), axis=0)
    months = (lines[:, 1] // 10_000 - 1970) * 12 + lines[:, 1] // 100 % 100 - 1
    dates = months.astype("M8[M]").astype("M8[D]") + (lines[:, 1] % 100 - 1)
    day = dates.astype(np.int64) - int(np.datetime64("1997-01-01", "D").astype(np.int64))
    return np.unique(lines[:, 0], return_inverse=True)[1], day
