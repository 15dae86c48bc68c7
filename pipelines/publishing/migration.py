"""How customers moved between RFM segments in each month, from what was known of them (publishing/history.py).

A row is a month, the segment in which people stood when it began, the one in which they stood when it ended, and how
many they are; of the month that is running, the one in which they stand now. Months are UTC. A segment is NULL for who
had none, or was not known. Summed over `from_segment`, a month's people are those of each segment when it ended.
"""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MONTHS = 13  # the running one and a year before it

# Months are counted from the year 0. A version is seen at the beginnings of the months `first_seen` to `last_seen`; what
# is known now counts as seen when the next month begins. Who stays is counted without taking the months apart, so that
# only who moved is looked up: a year of 1.5M people is no 18M rows.
_WRITE = """
    CREATE OR REPLACE TABLE warehouse.metric_rfm_migration AS
    WITH versions AS (
        SELECT customer_id, rfm_segment AS segment,
            year(valid_from) * 12 + month(valid_from)
                + CASE WHEN valid_from > date_trunc('month', valid_from) THEN 1 ELSE 0 END AS first_seen,
            CASE WHEN valid_to IS NULL THEN year($now) * 12 + month($now) + 1
                ELSE year(valid_to) * 12 + month(valid_to)
                    - CASE WHEN valid_to > date_trunc('month', valid_to) THEN 0 ELSE 1 END
            END AS last_seen
        FROM state.customer_history
        WHERE valid_from <= $now
    ),
    seen AS (FROM versions WHERE first_seen <= last_seen),
    months AS (
        SELECT year($now) * 12 + month($now) - range AS month FROM range($months)
    ),
    stays AS (
        SELECT month, segment AS from_segment, segment AS to_segment, sum(people) AS people
        FROM (SELECT segment, first_seen, last_seen, count(*) AS people FROM seen GROUP BY ALL)
        JOIN months ON first_seen <= month AND last_seen > month
        GROUP BY ALL
    ),
    moves AS (
        SELECT coalesce(before.last_seen, after.first_seen - 1) AS month, before.segment AS from_segment,
            after.segment AS to_segment, count(*) AS people
        FROM (FROM seen WHERE last_seen <= year($now) * 12 + month($now)) AS before
        FULL JOIN seen AS after
            ON after.customer_id = before.customer_id AND after.first_seen = before.last_seen + 1
        GROUP BY ALL
    ),
    counted AS (
        FROM stays
        UNION ALL BY NAME
        SELECT moves.* FROM moves JOIN months USING (month)
    )
    SELECT make_date((month - 1) // 12, (month - 1) % 12 + 1, 1) AS month, from_segment, to_segment,
        sum(people)::BIGINT AS customer_count
    FROM counted
    WHERE from_segment IS NOT NULL OR to_segment IS NOT NULL
    GROUP BY ALL
    ORDER BY ALL
"""


def write_migration(connection: "duckdb.DuckDBPyConnection", now: datetime) -> None:
    """Leave warehouse.metric_rfm_migration to publish; the state is attached, and `now` is the build's, naive UTC."""
    connection.execute(_WRITE, {"now": now, "months": MONTHS})
