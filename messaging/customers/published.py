"""What a release has of one customer: from their card, or from its tables where no card has it."""

from collections.abc import Collection
from typing import Any, cast

from messaging.customers import cards
from messaging.customers.cards import Published
from messaging.customers.views import CustomerFacts, Identifier, Order, Shipment, TimelineEntry
from messaging.release import Row, Snapshot

CARD = "SELECT facts, lists FROM c360.customer_card WHERE customer_id = $customer_id"
FACTS = "SELECT * FROM c360.customer_360 WHERE customer_id = $customer_id"
KNOWN = "SELECT customer_id FROM c360.customer_360 WHERE customer_id = $customer_id"
IDENTIFIERS = """
SELECT identifier_type, value, source_count, first_seen_at, last_seen_at, is_best
FROM c360.customer_identifiers WHERE customer_id = $customer_id ORDER BY identifier_type, is_best DESC, value
"""
# Each in a step of its own: where an order is asked for beside the customer, DuckDB reads the table and not the index.
ORDERS = """
WITH own AS MATERIALIZED (FROM c360.orders WHERE customer_id = $customer_id)
SELECT order_id, source, ordered_at, status, line_count, net_amount_minor, refund_minor, currency
FROM own ORDER BY ordered_at DESC, order_id LIMIT $limit
"""
SHIPMENTS = """
WITH own AS MATERIALIZED (FROM c360.shipments WHERE customer_id = $customer_id)
SELECT shipment_id, order_id, source, status, carrier, tracking_number, shipped_at, estimated_delivery_at,
       delivered_at, days_late
FROM own ORDER BY shipped_at DESC NULLS LAST, shipment_id LIMIT $limit
"""
# A release has a customer's touches in one place, the newest last, and the index knows where. To read that place costs half
# of reading row by row what the index points to, and stays the same however many rows the others have (1M rows, 500
# touches, CPU ms: place 5, index 13, scan 11 and ten times that at ten times the rows; 2026-11-22).
PLACE = """
SELECT min(rowid) AS first, max(rowid) AS last FROM c360.customer_timeline WHERE customer_id = $customer_id
"""
TIMELINE = """
SELECT occurred_at, touch_id, channel, origin_table, direction, kind, title, body, source, source_record_id,
       campaign, state, amount_minor
FROM c360.customer_timeline
WHERE rowid BETWEEN greatest($first, $last - $limit + 1) AND $last AND customer_id = $customer_id
"""


STRANGERS = """
SELECT asked.customer_id FROM (SELECT unnest(?::VARCHAR[]) AS customer_id) AS asked
ANTI JOIN c360.customer_360 AS person ON person.customer_id = asked.customer_id
ANTI JOIN c360.identity_alias AS alias ON alias.old_customer_id = asked.customer_id
"""


def is_known(snapshot: Snapshot, customer_id: str) -> bool:
    """Say whether a release has a customer who goes by an id."""
    return snapshot.row(KNOWN, {"customer_id": customer_id}) is not None


def strangers(snapshot: Snapshot, customer_ids: Collection[str]) -> frozenset[str]:
    """Name the ids that nobody has or ever had in a release."""
    rows = snapshot.rows(STRANGERS, [sorted(set(customer_ids))])
    return frozenset(str(row["customer_id"]) for row in rows)


def published(snapshot: Snapshot, customer_id: str, *, orders: int, touches: int) -> Published | None:
    """Read at most so many orders, as many parcels, and so many touches; None where nobody goes by that id."""
    if (
        snapshot.columns(cards.CARDS) == cards.FORM
        and cards.ORDERS.holds(orders)
        and cards.TOUCHES.holds(touches)
    ):
        found = snapshot.row(CARD, {"customer_id": customer_id})
        columns = snapshot.columns(cards.VIEW)
        if found is None:
            return None
        return cards.unpack(found["facts"], found["lists"], columns, orders=orders, touches=touches)
    return from_tables(snapshot, customer_id, orders=orders, touches=touches)


def from_tables(snapshot: Snapshot, customer_id: str, *, orders: int, touches: int) -> Published | None:
    """Read the same table by table: for more than a card has, and from releases of before there were cards."""
    one: dict[str, Any] = {"customer_id": customer_id}
    facts = snapshot.row(FACTS, one)
    if facts is None:
        return None
    newest = {**one, "limit": orders}
    return Published(
        facts=cast("CustomerFacts", facts),
        identifiers=tuple(Identifier(**row) for row in snapshot.rows(IDENTIFIERS, one)),
        orders=tuple(Order(**row) for row in snapshot.rows(ORDERS, newest)),
        shipments=tuple(Shipment(**row) for row in snapshot.rows(SHIPMENTS, newest)),
        touches=tuple(TimelineEntry(**row) for row in published_touches(snapshot, customer_id, touches)),
    )


def published_touches(snapshot: Snapshot, customer_id: str, limit: int) -> list[Row]:
    """Read the newest touches of one customer from the timeline of a release."""
    one: dict[str, Any] = {"customer_id": customer_id}
    place = snapshot.row(PLACE, one)
    if place is None or place["first"] is None:
        return []
    found = snapshot.rows(TIMELINE, {**one, **place, "limit": limit})
    return sorted(found, key=lambda row: (row["occurred_at"], row["touch_id"]), reverse=True)
