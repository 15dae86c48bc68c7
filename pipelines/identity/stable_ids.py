"""Give each person the id that they had before, also on a full rebuild.

A component takes the old id of which it holds most records; between equals the older id, then the older
component, wins. Each old id goes to one component and each component takes one. An id that no component
took, though its records are still there, becomes an alias of the customer who has most of them.
Components without an old id get a new one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.identity.state import transaction

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Overlap:
    """How many records of an old customer a component holds, and what settles a tie."""

    component: int
    customer_id: str
    records: int
    born_at: datetime
    component_first_at: datetime
    component_first_record: str


@dataclass(frozen=True)
class IdChanges:
    """What a build did to ids: how many are new, and how many became aliases of another."""

    new_customers: int
    merged_customers: int


def inherit(overlaps: Iterable[Overlap]) -> dict[int, str]:
    """Decide which component inherits which old id. The order of `overlaps` makes no difference."""
    heirs: dict[int, str] = {}
    taken: set[str] = set()
    for overlap in sorted(overlaps, key=_claim):
        if overlap.component not in heirs and overlap.customer_id not in taken:
            heirs[overlap.component] = overlap.customer_id
            taken.add(overlap.customer_id)
    return heirs


def _claim(overlap: Overlap) -> tuple[int, datetime, str, datetime, str]:
    return (
        -overlap.records,
        overlap.born_at,
        overlap.customer_id,
        overlap.component_first_at,
        overlap.component_first_record,
    )


# `resolved(source, source_record_id, occurred_at, component)` is what the caller prepared, for records of
# people only. A component and an old id that meet nobody else need no decision; with most records
# unchanged, that is nearly all.
_OVERLAPS = """
    CREATE OR REPLACE TEMP TABLE claims AS
    WITH counted AS (
        SELECT resolved.component, given.customer_id, count(*) AS records
        FROM resolved JOIN state.record_customer AS given USING (source, source_record_id)
        GROUP BY ALL
    )
    SELECT
        component, customer_id, records,
        count(*) OVER (PARTITION BY component) > 1 OR count(*) OVER (PARTITION BY customer_id) > 1 AS
        contested
    FROM counted
"""

_CONTESTED = """
    SELECT claims.component, claims.customer_id, claims.records, customers.born_at,
        people.first_at, people.first_record
    FROM claims
    JOIN state.customers USING (customer_id)
    JOIN (
        SELECT component, min(occurred_at) AS first_at, min(source || '/' || source_record_id) AS first_record
        FROM resolved
        WHERE component IN (SELECT component FROM claims WHERE contested)
        GROUP BY component
    ) AS people USING (component)
    WHERE claims.contested
"""

_ASSIGN = """
    CREATE OR REPLACE TEMP TABLE assigned AS
    WITH inherited AS (
        SELECT component, customer_id FROM claims WHERE NOT contested
        UNION ALL
        SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[])
    ),
    people AS (SELECT component, min(occurred_at) AS first_at FROM resolved GROUP BY component)
    SELECT
        people.component,
        coalesce(inherited.customer_id, 'cus_' || replace(uuidv7()::VARCHAR, '-', '')) AS customer_id,
        inherited.customer_id IS NULL AS is_new
    FROM people LEFT JOIN inherited USING (component)
"""

_LOSERS = """
    CREATE OR REPLACE TEMP TABLE losers AS
    SELECT claims.customer_id AS old_customer_id,
        first(assigned.customer_id ORDER BY claims.records DESC, assigned.customer_id) AS customer_id
    FROM claims JOIN assigned USING (component)
    WHERE claims.customer_id NOT IN (SELECT customer_id FROM assigned)
    GROUP BY claims.customer_id
"""

_CHANGED = """
    CREATE OR REPLACE TEMP TABLE changed AS
    SELECT resolved.source, resolved.source_record_id, assigned.customer_id
    FROM resolved
    JOIN assigned USING (component)
    LEFT JOIN state.record_customer AS given USING (source, source_record_id)
    WHERE given.customer_id IS DISTINCT FROM assigned.customer_id
"""


def assign_ids(connection: "duckdb.DuckDBPyConnection", as_of: datetime) -> IdChanges:
    """Give every component of the temporary table `resolved` its customer_id and remember it in `state`.

    Leaves the temporary table `assigned(component, customer_id, is_new)`. State changes in one
    transaction, before anything is published: after a crash the next build finds these same ids, and at
    worst some that nobody saw.
    """
    connection.execute(_OVERLAPS)
    heirs = inherit(Overlap(*row) for row in connection.execute(_CONTESTED).fetchall())
    connection.execute(_ASSIGN, [list(heirs), list(heirs.values())])
    connection.execute(_LOSERS)
    connection.execute(_CHANGED)
    with transaction(connection):
        _remember(connection, as_of)
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM assigned WHERE is_new), (SELECT count(*) FROM losers)"
    ).fetchall()
    return IdChanges(*counts[0])


def _remember(connection: "duckdb.DuckDBPyConnection", as_of: datetime) -> None:
    connection.execute(
        "INSERT INTO state.customers SELECT customer_id, ? FROM assigned WHERE is_new ORDER BY customer_id",
        [as_of],
    )
    connection.execute(
        "DELETE FROM state.record_customer AS given USING changed"
        " WHERE given.source = changed.source AND given.source_record_id = changed.source_record_id"
    )
    connection.execute("INSERT INTO state.record_customer SELECT * FROM changed")
    # records that are not in this build keep their customer, who may have been merged into another
    connection.execute(
        "UPDATE state.record_customer AS kept SET customer_id = losers.customer_id"
        " FROM losers WHERE kept.customer_id = losers.old_customer_id"
    )
    connection.execute(
        "UPDATE state.identity_alias AS kept SET customer_id = losers.customer_id"
        " FROM losers WHERE kept.customer_id = losers.old_customer_id"
    )
    connection.execute(
        "INSERT INTO state.identity_alias SELECT old_customer_id, customer_id, ?, 'merged' FROM losers",
        [as_of],
    )
