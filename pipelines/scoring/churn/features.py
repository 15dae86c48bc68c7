"""What is known of each buyer at a moment: how they order, and what they went through with us.

The same question is asked of today, to score, and of a moment in the past, to learn from what came after it; so
nothing that happened later may be in the answer. int_churn__signals has every event with when it began and ended.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import duckdb

Floats = npt.NDArray[np.float64]

# How a feature is told to people; several that say one thing share a reason. What is bad in itself never lowers a risk.
NAMES = (
    "silence",
    "habit",
    "overdue",
    "beyond",
    "tenure",
    "late_parcel",
    "open_complaint",
    "slow_answer",
    "repeat_contact",
    "unhappy",
    "falling_mood",
)
REASON_OF = {"silence": "overdue", "overdue": "overdue", "beyond": "overdue", "habit": "few_orders"}
SERVICE = NAMES[5:]
MOST = 3.0  # a fourth late parcel drives away nobody whom three have not
FALL = 0.25  # of sentiment, on average: from content to indifferent

_KNOWN = """
    WITH orders AS (
        SELECT customer_id, count(*) AS orders, min(began_at) AS first_at, max(began_at) AS last_at
        FROM intermediate.int_churn__signals
        WHERE kind = 'order' AND began_at <= $moment
        GROUP BY customer_id
    ),
    service AS (
        SELECT
            customer_id,
            count(*) FILTER (kind = 'late_parcel' AND began_at >= $moment - INTERVAL 180 DAY) AS late_parcels,
            count(*) FILTER (kind = 'complaint' AND (ended_at IS NULL OR ended_at > $moment)) AS open_complaints,
            count(*) FILTER (kind = 'slow_answer' AND began_at >= $moment - INTERVAL 180 DAY) AS slow_answers,
            count(*) FILTER (kind = 'repeat_contact' AND began_at >= $moment - INTERVAL 90 DAY) AS repeat_contacts,
            avg(mood) FILTER (began_at > $moment - INTERVAL 90 DAY) AS mood_now,
            avg(mood) FILTER (began_at <= $moment - INTERVAL 90 DAY) AS mood_before
        FROM intermediate.int_churn__signals
        WHERE kind <> 'order' AND began_at <= $moment
        GROUP BY customer_id
    ),
    later AS (
        SELECT customer_id, min(began_at) AS next_at
        FROM intermediate.int_churn__signals
        WHERE kind = 'order' AND began_at > $moment
        GROUP BY customer_id
    )
    SELECT
        customer_id,
        epoch(orders.last_at - orders.first_at) / 86400 AS span_days,
        epoch($moment - orders.last_at) / 86400 AS silent_days,
        orders.orders,
        coalesce(late_parcels, 0) AS late_parcels,
        coalesce(open_complaints, 0) AS open_complaints,
        coalesce(slow_answers, 0) AS slow_answers,
        coalesce(repeat_contacts, 0) AS repeat_contacts,
        mood_now,
        mood_before,
        epoch(later.next_at - $moment) / 86400 AS next_days,
        hash(customer_id) AS lot
    FROM orders
    LEFT JOIN service USING (customer_id)
    LEFT JOIN later USING (customer_id)
    ORDER BY customer_id
"""


@dataclass(frozen=True)
class Known:
    """What is known of buyers at a moment, a row each, in the order of their ids.

    Days are fractions of days; `next_days` is until the next order after the moment, NaN where none came; `lot`
    is chance that is the same in every build, to divide people with.
    """

    customers: npt.NDArray[Any]
    span_days: Floats
    silent_days: Floats
    orders: Floats
    late_parcels: Floats
    open_complaints: Floats
    slow_answers: Floats
    repeat_contacts: Floats
    mood_now: Floats
    mood_before: Floats
    next_days: Floats
    lot: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.customers)

    def some(self, rows: npt.NDArray[np.bool_]) -> "Known":
        """Keep some of them."""
        return Known(**{name: values[rows] for name, values in vars(self).items()})


def read_known(connection: "duckdb.DuckDBPyConnection", moment: datetime) -> Known:
    """Ask what was known of each buyer at a moment (naive UTC)."""
    arrays: dict[str, Any] = connection.execute(_KNOWN, {"moment": moment}).fetchnumpy()
    filled = {
        name: np.ma.filled(values, np.nan) if name in _GAPPY else values for name, values in arrays.items()
    }
    return Known(
        customers=np.asarray(filled.pop("customer_id")),
        lot=np.asarray(filled.pop("lot"), dtype=np.uint64),
        **{name: np.asarray(values, dtype=np.float64) for name, values in filled.items()},
    )


# As int_purchases__rhythm has it, for the same figure stands on the same card.
_RHYTHMS = """
    SELECT customer_id, CASE WHEN count(*) > 2 THEN quantile_disc(gap, 0.5) END AS usual_gap_days
    FROM (
        SELECT customer_id, epoch(began_at - lag(began_at) OVER (PARTITION BY customer_id ORDER BY began_at)) / 86400 AS gap
        FROM intermediate.int_churn__signals WHERE kind = 'order' AND began_at <= $moment
    )
    GROUP BY customer_id
    ORDER BY customer_id
"""


def read_rhythms(connection: "duckdb.DuckDBPyConnection", moment: datetime) -> Floats:
    """Ask how many days usually pass between two orders of each buyer: the median of their gaps.

    A buyer stands where `read_known` has them; NaN before the third order day, when nothing is usual yet.
    """
    found: Any = connection.execute(_RHYTHMS, {"moment": moment}).fetchnumpy()["usual_gap_days"]
    return np.asarray(np.ma.filled(found.astype(np.float64), np.nan), dtype=np.float64)


_GAPPY = {"mood_now", "mood_before", "next_days"}


def usual_gap(known: Known, common_gap: float) -> Floats:
    """Give the days that usually pass between a buyer's orders: their own mean, drawn towards what is common.

    Who has ordered once has what is common; every gap of their own weighs as much as that.
    """
    return (known.span_days + common_gap) / known.orders


def features(known: Known, common_gap: float) -> Floats:
    """Give the features of each buyer, a column a name of NAMES."""
    falling = known.mood_now <= known.mood_before - FALL  # False where either is unknown
    overdue = np.log((np.maximum(known.silent_days, 0) + 1) / (usual_gap(known, common_gap) + 1))
    columns = (
        np.log1p(np.maximum(known.silent_days, 0)),
        np.log(known.orders),
        overdue,
        np.maximum(overdue, 0),  # it begins to tell when the usual gap has passed
        np.log1p(known.span_days + np.maximum(known.silent_days, 0)),
        np.minimum(known.late_parcels, MOST),
        np.minimum(known.open_complaints, 1),
        np.minimum(known.slow_answers, MOST),
        np.minimum(known.repeat_contacts, MOST),
        np.nan_to_num(-np.minimum(known.mood_now, 0), nan=0.0),
        falling,
    )
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
