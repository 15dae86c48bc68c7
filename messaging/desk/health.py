"""How the data stands, for those who keep it right: checks, freshness, lineage, builds, doubts, deliverability."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from messaging import audit
from messaging.access import Sight
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import builds, contract_status, work_requests

CHECKS = """
SELECT table_name, state, rows_checked, rows_quarantined, sentence, owner, severity, failed, rule_state
FROM c360.contract_results ORDER BY table_name, failed DESC, sentence
"""
FRESHNESS = "SELECT * FROM c360.source_freshness ORDER BY state DESC, silent_days DESC, source, table_name"
LINEAGE = """
SELECT DISTINCT source, source_table, source_column, contract FROM c360.lineage
WHERE table_name = ? AND column_name = ? ORDER BY ALL
"""
DOUBTS = """
SELECT review.review_id, review.customer_id, review.other_customer_id, review.probability,
       one.display_name AS name, other.display_name AS other_name, count(*) OVER () AS doubts
FROM c360.identity_review AS review
LEFT JOIN c360.customer_360 AS one ON one.customer_id = review.customer_id
LEFT JOIN c360.customer_360 AS other ON other.customer_id = review.other_customer_id
ORDER BY review.probability DESC, review.review_id LIMIT ?
"""
ARRIVING = """
SELECT week, channel, sent_count, failed_share, usual_failed_share, complaint_count, unsubscribe_count, alert
FROM c360.metric_deliverability_weekly QUALIFY row_number() OVER (PARTITION BY channel ORDER BY week DESC) = 1
ORDER BY channel
"""


@dataclass(frozen=True)
class Check:
    """One rule of a table and how it held; `failed` counts rows."""

    sentence: str
    owner: str
    severity: str
    failed: int
    state: str  # kept | warning | set_aside | refused


@dataclass(frozen=True)
class Table:
    """How a table stands by its contract; a newer verdict than the release's is the store's."""

    name: str
    state: str  # green | amber | red
    rows: int
    set_aside: int
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Build:
    """One build: `seconds` and `stages` (name, seconds, rows) are None and empty where it has not ended."""

    build_id: str
    state: str  # running | published | failed
    as_of: datetime
    release: str | None
    seconds: float | None
    stages: tuple[tuple[str, float, int], ...]
    reason: str


@dataclass(frozen=True)
class Origin:
    """Where a column's values come from: a column of a table of a source of ours, such as landing."""

    source: str
    table: str
    column: str
    contract: str


def tables(customers: Customers, store: Store) -> list[Table]:
    """Give every table that has a contract, the worst first."""
    with store.read() as connection:
        rows = connection.execute(select(contract_status.c.table_name, contract_status.c.state))
        newest = {row.table_name: row.state for row in rows}
    with customers.reader.snapshot() as snapshot:
        found = snapshot.rows(CHECKS)
    by_table: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_table.setdefault(row["table_name"], []).append(row)
    made = [
        Table(
            name,
            newest.get(name, rows_[0]["state"]),
            rows_[0]["rows_checked"],
            rows_[0]["rows_quarantined"],
            tuple(
                Check(row["sentence"], row["owner"] or "", row["severity"], row["failed"], row["rule_state"])
                for row in rows_
            ),
        )
        for name, rows_ in by_table.items()
    ]
    order = ("red", "amber", "green")
    return sorted(made, key=lambda each: (order.index(each.state) if each.state in order else 0, each.name))


def freshness(customers: Customers) -> list[dict[str, Any]]:
    """Give how long each source has been silent, the longest first."""
    with customers.reader.snapshot() as snapshot:
        return snapshot.rows(FRESHNESS) if snapshot.has("source_freshness") else []


def origins(customers: Customers, table: str, column: str) -> list[Origin]:
    """Give what a published column is made of."""
    with customers.reader.snapshot() as snapshot:
        rows = snapshot.rows(LINEAGE, [table, column]) if snapshot.has("lineage") else []
    return [
        Origin(
            row["source"] or "made here",
            row["source_table"] or "",
            row["source_column"] or "",
            row["contract"] or "",
        )
        for row in rows
    ]


def doubts(customers: Customers, sight: Sight, limit: int = 25) -> list[dict[str, Any]]:
    """Give the pairs of customers who may be one person, the likeliest first; each row tells how many there are."""
    with customers.reader.snapshot() as snapshot:
        found = snapshot.rows(DOUBTS, [limit]) if snapshot.has("identity_review") else []
    named = ("name", "other_name")
    return [dict(row) | {each: sight.name(row[each]) for each in named} for row in found]


def arriving(customers: Customers) -> list[dict[str, Any]]:
    """Give the newest week of each channel: what failed, beside what usually does."""
    with customers.reader.snapshot() as snapshot:
        return snapshot.rows(ARRIVING) if snapshot.has("metric_deliverability_weekly") else []


def recent_builds(store: Store, limit: int = 20) -> list[Build]:
    """Give the newest builds with the durations of their stages."""
    query = select(builds).order_by(builds.c.started_at.desc(), builds.c.build_id.desc()).limit(limit)
    with store.read() as connection:
        return [_build(row) for row in connection.execute(query).mappings()]


def ask_for_build(store: Store, clock: Clock, *, full: bool, actor: str) -> str:
    """Ask the pipelines for a build, which Dagster begins within seconds where it runs; give the request's id."""
    request_id, now = new_id("req"), clock.now()
    row = {"request_id": request_id, "kind": "build", "arguments": {"full": full}, "actor": actor}
    with store.write() as connection:
        connection.execute(work_requests.insert().values(**row, state="waiting", requested_at=now))
        audit.record(connection, actor, "build.ask", request_id, {"full": full}, at=now)
    return request_id


def requests(store: Store, limit: int = 5) -> Sequence[dict[str, Any]]:
    """Give the newest builds that were asked for, and where they stand."""
    query = select(work_requests).where(work_requests.c.kind == "build")
    with store.read() as connection:
        found = connection.execute(query.order_by(work_requests.c.requested_at.desc()).limit(limit))
        return [dict(row) for row in found.mappings()]


def replayed(store: Store, clock: Clock, table: str | None, *, actor: str) -> None:
    """Take down that somebody lets rows that were set aside be judged again."""
    with store.write() as connection:
        audit.record(connection, actor, "quarantine.replay", table, at=clock.now())


def landed(store: Store, clock: Clock, table: str, rows: int, *, actor: str) -> None:
    """Take down that somebody lands a file of their own."""
    with store.write() as connection:
        audit.record(connection, actor, "file.land", table, {"rows": rows}, at=clock.now())


def _build(row: Any) -> Build:
    detail = row["detail"] or {}
    stages = tuple(
        (str(each["name"]), float(each["seconds"]), int(each["rows"])) for each in detail.get("stages", ())
    )
    reason = "" if row["state"] != "failed" else str(detail.get("reason") or "no reason was kept")
    spent = sum(seconds for _, seconds, _ in stages) if stages else None
    return Build(row["build_id"], row["state"], row["as_of"], row["release_version"], spent, stages, reason)
