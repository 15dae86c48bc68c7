"""What the release holds of why: the evidence of one customer, and what was refused between two. SQL only."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from messaging.customers.why.views import Evidence, Node
from messaging.customers.why.waterfall import read_waterfall
from messaging.release import Row, Snapshot

if TYPE_CHECKING:
    from messaging.customers.why.paths import Hashes

TABLES = (
    "identity_evidence",
    "identity_refused",
    "identity_review",
    "identity_journal",
)

# The index of a table finds a customer's rows where nothing else is asked of them: hence each CTE (2 ms for 80).
# A node is its hash while ways are searched: 100,000 pairs of texts would take longer to read than to search.
EDGES = """
WITH own AS MATERIALIZED (
    SELECT kind, identifier_type, match_key, other_type, other_key
    FROM c360.identity_evidence WHERE customer_id = $customer_id
)
SELECT hash(identifier_type || chr(31) || match_key) AS one, hash(other_type || chr(31) || other_key) AS other
FROM own WHERE kind <> 'probabilistic' OR $guesses
"""
HASH = "SELECT hash($kind || chr(31) || $key) AS node"
HUB = """
SELECT hash(identifier_type || chr(31) || match_key) AS node
FROM c360.identity_evidence WHERE customer_id = $customer_id
GROUP BY identifier_type, match_key ORDER BY sum(records) DESC, identifier_type, match_key LIMIT 1
"""
COLUMNS = """kind, identifier_type, match_key, other_type, other_key, source, source_record_id, origin_table,
    other_source, other_record_id, records, first_seen_at, last_seen_at, weight, detail"""
STEPS = f"""
WITH own AS MATERIALIZED (
    SELECT hash(identifier_type || chr(31) || match_key) AS one, hash(other_type || chr(31) || other_key) AS other,
        {COLUMNS}
    FROM c360.identity_evidence WHERE customer_id = $customer_id
)
SELECT * FROM own
WHERE list_contains($nodes::UBIGINT[], one) AND list_contains($nodes::UBIGINT[], other)
ORDER BY kind = 'probabilistic', records DESC, source, source_record_id
"""  # noqa: S608 - the names of columns, and no value
STRONGEST = f"""
SELECT {COLUMNS} FROM c360.identity_evidence WHERE customer_id = $customer_id
ORDER BY kind = 'deterministic', other_type IN ('order', 'conversation'), records DESC,
    identifier_type, match_key, other_type, other_key, source LIMIT $limit
"""  # noqa: S608
TIES = (
    "SELECT kind, count(*) AS edges FROM c360.identity_evidence WHERE customer_id = $customer_id GROUP BY ALL"
)
SOURCES = """
SELECT source, count(*) AS records FROM c360.identity_map WHERE customer_id = $customer_id
GROUP BY source ORDER BY records DESC, source
"""
BETWEEN = f"""
WITH mine AS MATERIALIZED (FROM c360.identity_refused WHERE customer_id = $one),
theirs AS MATERIALIZED (FROM c360.identity_refused WHERE customer_id = $other)
SELECT customer_id, other_customer_id, rule, {COLUMNS}
FROM (FROM mine WHERE other_customer_id = $other UNION ALL FROM theirs WHERE other_customer_id = $one)
ORDER BY rule <> 'decided', kind = 'probabilistic', records DESC,
    identifier_type, match_key, other_type, other_key, source LIMIT $limit
"""  # noqa: S608
REFUSED = f"""
WITH own AS MATERIALIZED (FROM c360.identity_refused WHERE customer_id = $customer_id),
others AS MATERIALIZED (FROM c360.identity_refused WHERE other_customer_id = $customer_id)
SELECT customer_id, other_customer_id, rule, {COLUMNS} FROM (FROM own UNION ALL FROM others)
ORDER BY rule = 'blocked', records DESC, identifier_type, match_key, other_type, other_key, source LIMIT $limit
"""  # noqa: S608
BLOCKED_ON_BOTH = f"""
WITH held AS MATERIALIZED (FROM c360.identity_refused WHERE customer_id IN ($one, $other)),
blocked AS (FROM held WHERE rule = 'blocked')
SELECT customer_id, other_customer_id, rule, {COLUMNS} FROM blocked
WHERE customer_id = $one
  AND (other_type, other_key) IN (SELECT (other_type, other_key) FROM blocked WHERE customer_id = $other)
ORDER BY records DESC, other_type, other_key LIMIT $limit
"""  # noqa: S608
REVIEW = """
SELECT review_id, customer_id, other_customer_id, source, source_record_id, other_source, other_record_id, weight,
    probability, detail
FROM c360.identity_review  -- of two customers, the two records that look most alike
WHERE (customer_id = $one AND (other_customer_id = $other OR $other IS NULL))
   OR (other_customer_id = $one AND (customer_id = $other OR $other IS NULL))
QUALIFY row_number() OVER (
    PARTITION BY least(customer_id, other_customer_id), greatest(customer_id, other_customer_id)
    ORDER BY weight DESC, review_id
) = 1
ORDER BY probability DESC, weight DESC, review_id LIMIT $limit
"""
HELD_BY_BOTH = """
WITH mine AS MATERIALIZED (FROM c360.customer_identifiers WHERE customer_id = $one),
theirs AS MATERIALIZED (FROM c360.customer_identifiers WHERE customer_id = $other)
SELECT identifier_type, value FROM mine JOIN theirs USING (identifier_type, value) ORDER BY ALL LIMIT $limit
"""
OF_KIND = """
WITH own AS MATERIALIZED (FROM c360.customer_identifiers WHERE customer_id = $customer_id)
SELECT DISTINCT value FROM own
WHERE identifier_type = $kind AND starts_with(value, $prefix) ORDER BY value LIMIT 6
"""
ORDERS = """
WITH own AS MATERIALIZED (FROM c360.order_lines WHERE customer_id = $customer_id)
SELECT source, source_record_id, order_id FROM own WHERE list_contains($records::VARCHAR[], source_record_id)
"""


def present(snapshot: Snapshot) -> frozenset[str]:
    """Name those tables of why that this release carries; one of an earlier version of Rapport has none."""
    return frozenset(table for table in (*TABLES, "order_lines") if snapshot.has(table))


def edges(snapshot: Snapshot, customer_id: str, *, guesses: bool) -> tuple["Hashes", "Hashes"]:
    """Read both ends of each of a customer's edges, with or without those that rest on likeness alone."""
    found = snapshot.arrays(EDGES, {"customer_id": customer_id, "guesses": guesses})
    return cast("Hashes", found["one"]), cast("Hashes", found["other"])


def place_of(snapshot: Snapshot, customer_id: str, node: Node | None) -> int | None:
    """Give a node's hash; without a node, that of the one which most of the customer's records carry."""
    if node is not None:
        row = snapshot.row(HASH, {"kind": node.identifier_type, "key": node.match_key})
    else:
        row = snapshot.row(HUB, {"customer_id": customer_id})
    return None if row is None else int(row["node"])


def ties_between(
    snapshot: Snapshot, customer_id: str, way: Sequence[int]
) -> list[tuple[list[Evidence], dict[str, Any]]]:
    """Read what ties each node of a way to the next: the evidence, the strongest first, and its detail."""
    if len(way) == 1:
        return []
    found: dict[frozenset[int], list[Row]] = {}
    for row in snapshot.rows(STEPS, {"customer_id": customer_id, "nodes": list(way)}):
        found.setdefault(frozenset((row.pop("one"), row.pop("other"))), []).append(row)
    steps = []
    for one, other in pairwise(way):
        rows = found.get(frozenset((one, other)), [])
        rows = [row for row in rows if row["kind"] == rows[0]["kind"]]
        if rows:
            steps.append(([read_evidence(row) for row in rows], read_detail(rows[0])))
    return steps


def orders_of(
    snapshot: Snapshot, customer_id: str, evidence: Iterable[Evidence], tables: frozenset[str]
) -> dict[tuple[str, str], str]:
    """Name the orders that purchases among the evidence are lines of."""
    records = sorted({each.source_record_id or "" for each in evidence if each.origin_table == "purchases"})
    if not records or "order_lines" not in tables:
        return {}
    rows = snapshot.rows(ORDERS, {"customer_id": customer_id, "records": records})
    return {(row["source"], row["source_record_id"]): row["order_id"] for row in rows}


def read_evidence(row: Row) -> Evidence:
    """Turn a row of evidence, followed or refused, into plain data; of a blocked value only its own node is told."""
    left = Node(row["identifier_type"], row["match_key"])
    right = Node(row["other_type"], row["other_key"]) if row["other_key"] else left
    return Evidence(
        kind=row["kind"],
        left=left,
        right=right,
        source=row["source"],
        source_record_id=row["source_record_id"],
        origin_table=row["origin_table"],
        records=row["records"] or 0,
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        other_source=row["other_source"],
        other_record_id=row["other_record_id"],
        waterfall=read_waterfall(row["detail"], row["weight"]),
    )


def read_detail(row: Row) -> dict[str, Any]:
    """Read the detail of a row."""
    detail = row["detail"]
    return dict(json.loads(detail) if isinstance(detail, str) else detail or {})
