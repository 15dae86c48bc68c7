"""Whom a side of the question names: a customer, an address, an order, an account or a record."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.errors import NotFoundError, RefusedError
from messaging.customers import lookup
from messaging.customers.why.views import Node, Whom
from messaging.release import Row, Snapshot

MOST_CHOICES = 10
LIKELY = 0.82  # a name that scores less is somebody else's

RECORD = """
SELECT customer_id, identifier_type, match_key FROM c360.identity_map
WHERE source_record_id = $record AND source = $source
"""
OLDER_RECORD = """
SELECT customer_id, 'record' AS identifier_type, source || '/' || source_record_id AS match_key
FROM c360.identity_map WHERE source_record_id = $record AND source = $source
"""
HELD = """
SELECT customer_id, identifier_type, value FROM c360.customer_identifiers
WHERE value IN (SELECT unnest($values::VARCHAR[]))
"""
# Values are E.164 and namespaced already, so that a number or an account compares by its end as it stands.
ENDING = """
SELECT customer_id, identifier_type, value FROM c360.customer_identifiers
WHERE (identifier_type = 'phone' AND $digits IS NOT NULL AND suffix(value, $digits))
   OR (identifier_type IN ('external_id', 'handle') AND suffix(value, $suffix))
"""
ORDERED = """
SELECT customer_id, 'order' AS identifier_type, source || ':' || order_id AS value FROM c360.orders
WHERE order_id IN ($text, '#' || $text)
"""
NODES = """
WITH ties AS MATERIALIZED (FROM c360.identity_evidence WHERE customer_id = $customer_id),
records AS MATERIALIZED (FROM c360.identity_map WHERE customer_id = $customer_id)
SELECT DISTINCT identifier_type, match_key FROM (
    SELECT identifier_type, match_key FROM ties
    UNION ALL SELECT other_type, other_key FROM ties
    UNION ALL SELECT identifier_type, match_key FROM records
) AS held WHERE identifier_type = $kind
"""
NAMES = """
SELECT customer_id, display_name FROM c360.customer_360 WHERE customer_id IN (SELECT unnest($ids::VARCHAR[]))
"""


@dataclass(frozen=True)
class _Found:
    """A customer whom a text may name, and by what: the kind of identifier and its value, where it was one."""

    customer_id: str
    kind: str | None = None
    value: str | None = None
    node: Node | None = None


def whom(snapshot: Snapshot, text: str, tables: frozenset[str], *, place: str = "") -> Whom:
    """Find the one customer whom a text names, and where in their evidence it stands.

    `place` says which of two sides it is. Raises NotFoundError where it names nobody and RefusedError where it
    names several; both speak of customers by id alone, for they reach logs.
    """
    found = _candidates(snapshot, text.strip(), tables)
    people = list(dict.fromkeys(each.customer_id for each in found))
    if not people:
        raise NotFoundError(
            f"Nobody is known by what {place or 'you'} {'names' if place else 'named'}.",
            "Give a customer id, an e-mail address, a phone number, an order number or SOURCE/RECORD.",
        )
    if len(people) > 1:
        more = f" and {len(people) - MOST_CHOICES} more" if len(people) > MOST_CHOICES else ""
        raise RefusedError(
            f"What {place or 'you'} {'names' if place else 'named'} fits {len(people)} customers: "
            f"{', '.join(people[:MOST_CHOICES])}{more}.",
            "Name one of them by id.",
        )
    name = names_of(snapshot, people).get(people[0])
    return Whom(people[0], name, _node(snapshot, found, text.strip(), tables))


def names_of(snapshot: Snapshot, customer_ids: Sequence[str]) -> dict[str, str]:
    """Give the names of customers who have one."""
    rows = snapshot.rows(NAMES, {"ids": list(customer_ids)}) if customer_ids else []
    return {row["customer_id"]: row["display_name"] for row in rows if row["display_name"]}


def _candidates(snapshot: Snapshot, text: str, tables: frozenset[str]) -> list[_Found]:
    """Look a text up as an id, a record, an identifier or an order; only what is none of these may be a name."""
    if text.startswith("cus_"):
        current = lookup.follow(snapshot, text)
        return [_Found(current)] if current else []
    digits = lookup.digits_of(text)
    if "/" in text and not digits:
        return _of_record(snapshot, text, tables)
    held = snapshot.rows(HELD, {"values": [text, *lookup.emails_of(text)]})
    ordered: list[Row] = []
    if not held and "@" not in text:
        held = snapshot.rows(ENDING, {"digits": digits, "suffix": f":{text}"})
        ordered = snapshot.rows(ORDERED, {"text": text})
    if ordered and not held and all(row["customer_id"] is None for row in ordered):
        raise NotFoundError("That is the order of a guest: it names nobody.", "Ask by another order.")
    found = [_of_value(row) for row in [*held, *ordered] if row["customer_id"]]
    if not found and text and "@" not in text and not digits:
        hits = lookup.find(snapshot, text, MOST_CHOICES + 1)
        found = [_Found(hit.customer_id) for hit in hits if hit.score >= LIKELY]
    return found


def _of_record(snapshot: Snapshot, text: str, tables: frozenset[str]) -> list[_Found]:
    source, _, record = text.partition("/")
    query = RECORD if "identity_evidence" in tables else OLDER_RECORD
    rows = snapshot.rows(query, {"source": source, "record": record})
    return [_Found(row["customer_id"], node=Node(row["identifier_type"], row["match_key"])) for row in rows]


def _of_value(row: Row) -> _Found:
    return _Found(row["customer_id"], row["identifier_type"], row["value"])


def _node(snapshot: Snapshot, found: Sequence[_Found], text: str, tables: frozenset[str]) -> Node | None:
    """Find where in a customer's evidence the value stands: under its key, which may be written otherwise."""
    first = found[0]
    if first.node or not first.kind or not first.value or "identity_evidence" not in tables:
        return first.node
    rows = snapshot.rows(NODES, {"customer_id": first.customer_id, "kind": first.kind})
    held = {row["match_key"] for row in rows}
    written = [first.value, *lookup.emails_of(first.value), *lookup.emails_of(text)]
    # an address whose key is written under another name of its provider is the nearest
    keys = [key for key in written if key in held] or difflib.get_close_matches(first.value, sorted(held), 1)
    return Node(first.kind, keys[0]) if keys else None
