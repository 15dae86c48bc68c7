"""What the warehouse has seen of buyers until a day: the models' sufficient statistics, counted by DuckDB."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from data_contracts.sql import Sql, sql
from pipelines.scoring.lifetime.gamma_gamma import Spending
from pipelines.scoring.lifetime.history import History, Ints

if TYPE_CHECKING:
    import duckdb

DAYS = 7.0  # of a week, the models' unit of time
QUIET_DAYS = 7  # a shop that sells daily and is silent for longer has not sent its orders

# An order from after `as_of` (a wrong clock, a build that looks back) was not seen by then.
_DAYS = """
    SELECT min(ordered_on), max(ordered_on), coalesce(max(gap) FILTER (WHERE ordered_on > newest - 365), 0)
    FROM (
        SELECT ordered_on, max(ordered_on) OVER () AS newest,
            date_diff('day', lag(ordered_on) OVER (ORDER BY ordered_on), ordered_on) AS gap
        FROM (
            SELECT DISTINCT ordered_on FROM {}
            WHERE order_days > 0 AND ordered_on <= $until)
    )
"""
ORDER_DAYS = Sql("intermediate.int_lifetime__order_days")

# Of whoever ordered only after `until` frequency is -1. `later` counts the days with an order from then to `last`.
_CUSTOMERS = """
    SELECT
        customer_id,
        coalesce(sum(order_days) FILTER (WHERE ordered_on <= $until), 0)::BIGINT - 1 AS frequency,
        min(ordered_on) FILTER (WHERE order_days > 0) AS first_on,
        date_diff('day', first_on, max(ordered_on) FILTER (WHERE order_days > 0 AND ordered_on <= $until))
            AS recency_days,
        date_diff('day', first_on, $until) AS age_days,
        coalesce(sum(order_days) FILTER (WHERE ordered_on > $until AND ordered_on <= $last), 0)::BIGINT AS later,
        coalesce(sum(own_order_days) FILTER (WHERE ordered_on <= $until), 0)::BIGINT AS paid_days,
        coalesce(sum(own_net_minor) FILTER (WHERE ordered_on <= $until), 0)::BIGINT AS paid_minor
    FROM intermediate.int_lifetime__order_days
    GROUP BY customer_id
    HAVING first_on IS NOT NULL
"""
_KEEP_CUSTOMERS = "CREATE OR REPLACE TEMP TABLE lifetime_seen AS" + _CUSTOMERS

# In one order, so that sums of floating-point numbers are the same in every build.
_HISTORIES = """
    SELECT frequency, recency_days, age_days, count(*) AS customers, sum(later)::BIGINT AS later
    FROM lifetime_seen WHERE frequency >= 0 GROUP BY ALL ORDER BY ALL
"""
_EARLIER_HISTORIES = "WITH lifetime_seen AS (" + _CUSTOMERS + ")" + _HISTORIES

_SPENDING = """
    SELECT paid_days, paid_minor FROM lifetime_seen WHERE paid_days > 0 AND paid_minor > 0 ORDER BY ALL
"""


@dataclass(frozen=True)
class Watched:
    """The days of which we know the orders; `is_stale` where they end well before the day that is asked about."""

    first: date
    last: date
    is_stale: bool

    @property
    def days(self) -> int:
        """Count the days from the first order to the end."""
        return (self.last - self.first).days


@dataclass(frozen=True)
class Counted:
    """Distinct histories, in whole days too, and how many days with an order came later from each."""

    history: History
    recency_days: Ints
    age_days: Ints
    later: Ints


def watched_days(
    connection: "duckdb.DuckDBPyConnection", as_of: date, order_days: Sql = ORDER_DAYS
) -> Watched | None:
    """Say of which days we know the orders (`order_days`: ordered_on, order_days); None where there are no orders.

    Where no order has come in for more than a week, and for longer than ever in the year before, a source has
    not delivered: we have watched until the last order. Otherwise every customer would seem to leave.
    """
    first, newest, longest = connection.execute(sql(_DAYS, order_days).text, {"until": as_of}).fetchall()[0]
    if newest is None:
        return None
    is_stale = (as_of - newest) > timedelta(days=max(QUIET_DAYS, longest))
    return Watched(first, newest if is_stale else as_of, is_stale)


def count_seen(connection: "duckdb.DuckDBPyConnection", until: date) -> Counted:
    """Count what was seen until a day; leaves the table `lifetime_seen`, a row for each buyer."""
    connection.execute(_KEEP_CUSTOMERS, {"until": until, "last": until})
    return _counted(connection.execute(_HISTORIES))


def count_earlier(connection: "duckdb.DuckDBPyConnection", until: date, last: date) -> Counted:
    """Count what had been seen until an earlier day, with what came after it up to `last`; leaves no table."""
    return _counted(connection.execute(_EARLIER_HISTORIES, {"until": until, "last": last}))


def read_spending(connection: "duckdb.DuckDBPyConnection") -> Spending:
    """Read what each buyer's days with an order were worth, in minor units of the company's currency."""
    days, minor = _columns(connection.execute(_SPENDING))
    return Spending(days, minor / days)


def _counted(found: "duckdb.DuckDBPyConnection") -> Counted:
    frequency, recency, age, customers, later = _columns(found)
    history = History(frequency, recency.astype(np.float64) / DAYS, age.astype(np.float64) / DAYS, customers)
    return Counted(history, recency, age, later)


def _columns(found: "duckdb.DuckDBPyConnection") -> tuple[Ints, ...]:
    return tuple(np.asarray(column, dtype=np.int64) for column in found.fetchnumpy().values())
