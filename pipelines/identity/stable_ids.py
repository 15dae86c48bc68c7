"""Give each person the id that they had before, also on a full rebuild.

A component takes the old id of which it holds most records, of those that somebody had in the last build: who
did not change keeps the id, whoever comes back. Between equals the older id, then the older component, wins.
Each old id goes to one component and each component takes one. An id that no component took, though its
records are still there, becomes an alias of the customer who has most of them, and follows them. When such
records part again, they get that id back; only components that never had one get a new one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.warehouse.state import transaction

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Overlap:
    """How many records of an old customer a component holds, and what settles a tie.

    `standing` are those records that were the customer's in the last build, and not away or nobody's.
    `since` is when the id was given out or, of an alias, when it became one: of two that the same records had
    one after the other, they get the first back.
    """

    component: int
    customer_id: str
    standing: int
    records: int
    since: datetime
    component_first_at: datetime
    component_first_record: str


@dataclass(frozen=True)
class Build:
    """Which build gives ids: its moment (naive UTC), its id, and the fingerprint of its policy."""

    as_of: datetime
    build_id: str
    policy: str


@dataclass(frozen=True)
class IdChanges:
    """What a build did to ids: how many are new, became aliases of another, or were cut from another."""

    new_customers: int
    merged: int
    split: int


def inherit(overlaps: Iterable[Overlap]) -> dict[int, str]:
    """Decide which component inherits which old id. The order of `overlaps` makes no difference."""
    heirs: dict[int, str] = {}
    taken: set[str] = set()
    for overlap in sorted(overlaps, key=_claim):
        if overlap.component not in heirs and overlap.customer_id not in taken:
            heirs[overlap.component] = overlap.customer_id
            taken.add(overlap.customer_id)
    return heirs


def _claim(overlap: Overlap) -> tuple[int, int, datetime, str, datetime, str]:
    return (
        -overlap.standing,
        -overlap.records,
        overlap.since,
        overlap.customer_id,
        overlap.component_first_at,
        overlap.component_first_record,
    )


# `resolved` is what matching left; those who are nobody need no id. A component and an old id that meet nobody
# else need no decision; with most records unchanged, that is nearly all.
_PEOPLE = """
    CREATE OR REPLACE TEMP VIEW people AS
    SELECT source, source_record_id, occurred_at, component FROM resolved WHERE is_somebody
"""

_OVERLAPS = """
    CREATE OR REPLACE TEMP TABLE claims AS
    WITH counted AS (
        SELECT people.component, given.customer_id, count(*) AS records,
            count(*) FILTER (absent.source IS NULL) AS standing
        FROM people
        JOIN state.record_customer AS given USING (source, source_record_id)
        LEFT JOIN state.absent_record AS absent USING (source, source_record_id)
        GROUP BY ALL
    )
    SELECT
        component, customer_id, standing, records, born_at AS since,
        count(*) OVER (PARTITION BY component) > 1 OR count(*) OVER (PARTITION BY customer_id) > 1 AS
        contested
    FROM counted JOIN state.customers USING (customer_id)
"""

# Components that inherited nothing may have an id that was merged away: the one of which they hold most.
_RETIRED = """
    CREATE OR REPLACE TEMP TABLE retired_claims AS
    SELECT people.component, former.customer_id, count(*) AS standing, count(*) AS records, alias."at" AS since,
        true AS contested
    FROM people
    JOIN state.former_customer AS former USING (source, source_record_id)
    JOIN state.identity_alias AS alias ON alias.old_customer_id = former.customer_id
    WHERE people.component NOT IN (SELECT component FROM inherited)
    GROUP BY ALL
"""

_CONTESTED = """
    SELECT claims.component, claims.customer_id, claims.standing, claims.records, claims.since, found.first_at,
        found.first_record
    FROM {claims} AS claims
    JOIN (
        SELECT component, coalesce(min(occurred_at), TIMESTAMP '9999-12-31') AS first_at,
            min(source || '/' || source_record_id) AS first_record
        FROM people
        WHERE component IN (SELECT component FROM {claims} WHERE contested)
        GROUP BY component
    ) AS found USING (component)
    WHERE claims.contested
"""

_INHERITED = """
    CREATE OR REPLACE TEMP TABLE inherited AS
    SELECT component, customer_id, false AS is_revived FROM claims WHERE NOT contested
    UNION ALL
    SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), false
"""

_REVIVED = "INSERT INTO inherited SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), true"

_ASSIGN = """
    CREATE OR REPLACE TEMP TABLE assigned AS
    SELECT
        found.component, found.records,
        coalesce(inherited.customer_id, 'cus_' || replace(uuidv7()::VARCHAR, '-', '')) AS customer_id,
        inherited.customer_id IS NULL AS is_new,
        coalesce(is_revived, false) AS is_revived
    FROM (SELECT component, count(*) AS records FROM people GROUP BY component) AS found
    LEFT JOIN inherited USING (component)
"""

_LOSERS = """
    CREATE OR REPLACE TEMP TABLE losers AS
    SELECT claims.customer_id AS old_customer_id,
        first(assigned.customer_id ORDER BY claims.records DESC, assigned.customer_id) AS customer_id,
        sum(claims.records)::BIGINT AS records
    FROM claims JOIN assigned USING (component)
    WHERE claims.customer_id NOT IN (SELECT customer_id FROM assigned)
    GROUP BY claims.customer_id
"""

# Who was cut from whom: a component that has another id than most of its known records had.
_SPLITS = """
    CREATE OR REPLACE TEMP TABLE splits AS
    SELECT assigned.customer_id, assigned.records,
        first(claims.customer_id ORDER BY claims.records DESC, claims.customer_id) AS old_customer_id
    FROM assigned JOIN claims USING (component)
    WHERE (is_new OR is_revived) AND claims.customer_id IN (SELECT customer_id FROM assigned)
    GROUP BY ALL
"""

# Aliases of which most records went to somebody else than the rest of the person that they were merged into.
_FOLLOWING = """
    CREATE OR REPLACE TEMP TABLE following AS
    WITH moved AS (
        SELECT DISTINCT former.customer_id AS old_customer_id
        FROM state.former_customer AS former JOIN changed USING (source, source_record_id)
    ),
    held AS (
        SELECT alias.old_customer_id, alias.customer_id AS led_to, given.customer_id, count(*) AS records
        FROM state.identity_alias AS alias
        JOIN moved USING (old_customer_id)
        JOIN state.former_customer AS former ON former.customer_id = alias.old_customer_id
        JOIN state.record_customer AS given USING (source, source_record_id)
        GROUP BY ALL
    )
    SELECT * FROM held
    QUALIFY customer_id <> led_to AND row_number() OVER (
        PARTITION BY old_customer_id ORDER BY records DESC, customer_id <> led_to, customer_id
    ) = 1
"""

_CHANGED = """
    CREATE OR REPLACE TEMP TABLE changed AS
    SELECT people.source, people.source_record_id, assigned.customer_id, given.customer_id AS old_customer_id
    FROM people
    JOIN assigned USING (component)
    LEFT JOIN state.record_customer AS given USING (source, source_record_id)
    WHERE given.customer_id IS DISTINCT FROM assigned.customer_id
"""

# What is different since the last build explains what changed: another decision about these records, another
# policy, or else the records themselves.
_CAUSES = """
    CREATE OR REPLACE TEMP TABLE decided_customers AS
    WITH now AS (
        SELECT decision_id, source, source_record_id FROM decisions
        UNION ALL SELECT decision_id, other_source, other_record_id FROM decisions
    ),
    differs AS (
        SELECT * FROM now WHERE decision_id NOT IN (SELECT decision_id FROM state.last_decisions)
        UNION ALL
        SELECT * FROM state.last_decisions WHERE decision_id NOT IN (SELECT decision_id FROM decisions)
    )
    SELECT customer_id, min(decision_id) AS decision_id
    FROM differs JOIN (
        SELECT source, source_record_id, customer_id FROM people JOIN assigned USING (component)
        UNION ALL SELECT source, source_record_id, customer_id FROM state.record_customer
    ) USING (source, source_record_id)
    GROUP BY customer_id
"""

_JOURNAL = """
    INSERT INTO state.identity_journal
    WITH lines AS (
        SELECT 'merged' AS kind, customer_id, old_customer_id AS other_customer_id, records FROM losers
        UNION ALL SELECT 'split', customer_id, old_customer_id, records FROM splits
        UNION ALL SELECT 'merged', customer_id, old_customer_id, records FROM following
        UNION ALL SELECT 'split', old_customer_id, led_to, records FROM following
        UNION ALL
        SELECT 'born', customer_id, NULL, records FROM assigned
        WHERE is_new AND customer_id NOT IN (SELECT customer_id FROM splits)
    )
    SELECT $as_of, $build_id, lines.kind, lines.customer_id, lines.other_customer_id, lines.records,
        CASE
            WHEN NOT EXISTS (FROM state.customers) THEN 'first_build'
            WHEN coalesce(mine.decision_id, theirs.decision_id) IS NOT NULL THEN 'decision'
            WHEN (SELECT policy FROM state.last_build) IS DISTINCT FROM $policy THEN 'policy'
            ELSE 'evidence'
        END,
        CASE WHEN coalesce(mine.decision_id, theirs.decision_id) IS NOT NULL
            THEN json_object('decision_id', coalesce(mine.decision_id, theirs.decision_id)) END
    FROM lines
    LEFT JOIN decided_customers AS mine ON mine.customer_id = lines.customer_id
    LEFT JOIN decided_customers AS theirs ON theirs.customer_id = lines.other_customer_id
    ORDER BY ALL
"""


def assign_ids(connection: "duckdb.DuckDBPyConnection", build: Build, *, part: bool = False) -> IdChanges:
    """Give every component of somebody in `resolved` its customer_id and remember it in `state`.

    Of a `part` (gathering.py), `resolved` has the records of `gathering_records` alone, and nothing is said of others.

    Leaves the temporary table `assigned(component, customer_id, ...)`. State changes in one transaction,
    before anything is published: after a crash the next build finds these same ids, and at worst some that
    nobody saw.
    """
    for query in (_PEOPLE, _OVERLAPS):
        connection.execute(query)
    heirs = inherit(
        Overlap(*row) for row in connection.execute(_CONTESTED.format(claims="claims")).fetchall()
    )
    connection.execute(_INHERITED, [list(heirs), list(heirs.values())])
    connection.execute(_RETIRED)
    retired = connection.execute(_CONTESTED.format(claims="retired_claims")).fetchall()
    revived = inherit(Overlap(*row) for row in retired)
    connection.execute(_REVIVED, [list(revived), list(revived.values())])
    for query in (_ASSIGN, _LOSERS, _SPLITS, _CHANGED, _CAUSES):
        connection.execute(query)
    with transaction(connection):
        _remember(connection, build)
        _remember_absent(connection, part=part)
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM assigned WHERE is_new), (SELECT count(*) FROM losers),"
        " (SELECT count(*) FROM splits)"
    ).fetchall()
    return IdChanges(*counts[0])


def _remember(connection: "duckdb.DuckDBPyConnection", build: Build) -> None:
    _remember_former(connection)
    connection.execute(
        "DELETE FROM state.record_customer AS given USING changed"
        " WHERE given.source = changed.source AND given.source_record_id = changed.source_record_id"
    )
    connection.execute(
        "INSERT INTO state.record_customer SELECT source, source_record_id, customer_id FROM changed"
    )
    # records that are not in this build keep their customer, who may have been merged into another
    for table in ("record_customer", "identity_alias"):
        connection.execute(
            f"UPDATE state.{table} AS kept SET customer_id = losers.customer_id"  # noqa: S608 - ours
            " FROM losers WHERE kept.customer_id = losers.old_customer_id"
        )
    _remember_aliases(connection, build)
    connection.execute(_JOURNAL, {"as_of": build.as_of, "build_id": build.build_id, "policy": build.policy})
    connection.execute(
        "INSERT INTO state.customers SELECT customer_id, ? FROM assigned WHERE is_new ORDER BY customer_id",
        [build.as_of],
    )
    connection.execute("DELETE FROM state.last_build")
    connection.execute("INSERT INTO state.last_build VALUES (?, ?)", [build.build_id, build.policy])
    connection.execute("DELETE FROM state.last_decisions")
    connection.execute(
        "INSERT INTO state.last_decisions"
        " SELECT decision_id, source, source_record_id FROM decisions"
        " UNION ALL SELECT decision_id, other_source, other_record_id FROM decisions"
    )


def _remember_absent(connection: "duckdb.DuckDBPyConnection", *, part: bool) -> None:
    """Keep which records that somebody had are not in this build, or nobody's now."""
    asked = " WHERE hash(source || chr(31) || source_record_id) IN (SELECT record FROM gathering_records)"
    connection.execute(f"DELETE FROM state.absent_record{asked if part else ''}")  # noqa: S608 - our own text
    connection.execute(
        "INSERT INTO state.absent_record SELECT source, source_record_id FROM state.record_customer"  # noqa: S608
        f" ANTI JOIN people USING (source, source_record_id){asked if part else ''}"
    )


def _remember_former(connection: "duckdb.DuckDBPyConnection") -> None:
    """Keep whose a record was before each merge, also of records that are not in this build."""
    connection.execute(
        "INSERT INTO state.former_customer"
        " SELECT source, source_record_id, given.customer_id"
        " FROM state.record_customer AS given JOIN losers ON losers.old_customer_id = given.customer_id"
    )
    connection.execute(
        "DELETE FROM state.former_customer WHERE customer_id IN"
        " (SELECT customer_id FROM assigned WHERE is_revived)"
    )


def _remember_aliases(connection: "duckdb.DuckDBPyConnection", build: Build) -> None:
    """Lead each id that is nobody's any more to who has its records now."""
    connection.execute(
        "DELETE FROM state.identity_alias WHERE old_customer_id IN"
        " (SELECT customer_id FROM assigned WHERE is_revived)"
    )
    connection.execute(
        "INSERT INTO state.identity_alias SELECT old_customer_id, customer_id, ?, 'merged' FROM losers",
        [build.as_of],
    )
    connection.execute(_FOLLOWING)
    connection.execute(
        "UPDATE state.identity_alias AS alias SET customer_id = following.customer_id"
        " FROM following WHERE alias.old_customer_id = following.old_customer_id"
    )
