"""Whom a side of the question names: a customer, an address, an order, an account or a record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.errors import NotFoundError, RefusedError
from messaging.customers import lookup
from messaging.customers.views import CustomerHit
from messaging.customers.why.views import Node, Whom
from messaging.release import Row, Snapshot

MOST_CHOICES = 10
LIKELY = 0.82  # a name that scores less is somebody else's
WHOLE_NAME = 0.95  # of a name that is equal, in either order

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
OF_ORDER = """
WITH lines AS MATERIALIZED (FROM c360.order_lines WHERE customer_id = $customer_id),
records AS MATERIALIZED (FROM c360.identity_map WHERE customer_id = $customer_id)
SELECT records.identifier_type, records.match_key FROM lines JOIN records USING (source, source_record_id)
WHERE source = $source AND lines.order_id = $order_id ORDER BY ALL LIMIT 1
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
        raise NotFoundError(
            "That is a guest's order: nothing on it says whose it is, so it is no customer's.",
            "Whoever knows can say so with `rapport identity merge`.",
        )
    found = [_of_value(row) for row in [*held, *ordered] if row["customer_id"]]
    if not found and text and "@" not in text and not digits:
        hits = lookup.find(snapshot, text, MOST_CHOICES + 1)
        likely = [hit for hit in hits if hit.score >= LIKELY]
        found = [_Found(hit.customer_id) for hit in _of_that_name(likely) or likely]
    return found


def _of_that_name(hits: Sequence[CustomerHit]) -> list[CustomerHit]:
    """Keep those whose whole name it is: who is called William Wills need not be told from William Willis."""
    return [hit for hit in hits if hit.score >= WHOLE_NAME]


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
    keys = [key for key in written if key in held] or [
        key for key in sorted(held) if _spelling(first.kind, key) == _spelling(first.kind, first.value)
    ]
    if keys:
        return Node(first.kind, keys[0])
    return _node_of_order(snapshot, first) if first.kind == "order" else None


def _spelling(kind: str, value: str) -> str:
    """Give what two writings of one key have in common: the mailbox at any name of its provider, a number's end."""
    if kind == "email":
        return re.sub(r"\+.*|[.\-_]", "", value.lower().rpartition("@")[0])
    return value.partition(";")[0][-7:] if kind == "phone" else value.casefold()


def _node_of_order(snapshot: Snapshot, found: _Found) -> Node | None:
    """Find where an order's own records hang, where its number ties nothing to anything."""
    source, _, order_id = (found.value or "").partition(":")
    asked = {"customer_id": found.customer_id, "source": source, "order_id": order_id}
    row = snapshot.row(OF_ORDER, asked)
    return None if row is None else Node(row["identifier_type"], row["match_key"])
