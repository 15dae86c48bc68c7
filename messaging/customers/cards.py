"""The card of a customer: the row of a release that has all that a look-up shows of one customer.

A column store keeps a row of 114 columns in 114 places, and five tables have a part of what is shown: read one by one they
are 16 of a look-up's 20 CPU ms, as one row 1 (a customer with 500 touches of a million rows, 2026-11-22). A build
writes the cards from the tables that it publishes, so that both say the same.

A card is two values, since what is told as of a day changes daily for everybody, and the rest only for those of whom
something is heard. Both are JSON lists: `facts`, a text, has the values of customer_360 in the order of its columns, then
for each of DATED the list of its rows; `lists`, compressed, has the same for each of LASTING. A row is the list of the
part's columns, and times stand as DuckDB writes them.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from messaging.customers.views import CustomerFacts, Identifier, Order, Shipment, TimelineEntry

CARDS = "customer_card"
VIEW = "customer_360"
# A table of other columns holds cards of another form.
FORM = {"customer_id": "VARCHAR", "facts": "VARCHAR", "lists": "BLOB"}
LEVEL = 1  # of compression: 3 makes cards 4 % smaller for 12 % more CPU (2026-11-22)


@dataclass(frozen=True)
class Part:
    """One list of a card: a table's columns, the order in which rows are shown, and how many of them a card has."""

    table: str
    columns: tuple[str, ...]
    order: str
    most: int | None = None

    def holds(self, asked: int) -> bool:
        """Say whether a card has so many rows where the table has them."""
        return self.most is None or asked <= self.most


IDENTIFIERS = Part(
    "customer_identifiers",
    ("identifier_type", "value", "source_count", "first_seen_at", "last_seen_at", "is_best"),
    "identifier_type, is_best DESC, value",
)
ORDERS = Part(
    "orders",
    (
        "order_id",
        "source",
        "ordered_at",
        "status",
        "line_count",
        "net_amount_minor",
        "refund_minor",
        "currency",
    ),
    "ordered_at DESC, order_id",
    most=50,
)
SHIPMENTS = Part(
    "shipments",
    (
        "shipment_id",
        "order_id",
        "source",
        "status",
        "carrier",
        "tracking_number",
        "shipped_at",
        "estimated_delivery_at",
        "delivered_at",
        "days_late",
    ),
    "shipped_at DESC NULLS LAST, shipment_id",
    most=50,
)
TOUCHES = Part(
    "customer_timeline",
    (
        "occurred_at",
        "touch_id",
        "channel",
        "origin_table",
        "direction",
        "kind",
        "title",
        "body",
        "source",
        "source_record_id",
        "campaign",
        "state",
        "amount_minor",
    ),
    "occurred_at DESC, touch_id DESC",
    most=500,
)
DATED = (SHIPMENTS,)
LASTING = (IDENTIFIERS, ORDERS, TOUCHES)
PARTS = (*DATED, *LASTING)


@dataclass(frozen=True)
class Published:
    """What a release has of one customer, in the order in which it is shown; touches are the newest first."""

    facts: CustomerFacts
    identifiers: tuple[Identifier, ...]
    orders: tuple[Order, ...]
    shipments: tuple[Shipment, ...]
    touches: tuple[TimelineEntry, ...]


def pack(document: str) -> bytes:
    """Compress the JSON text of the lists of a card."""
    return zlib.compress(document.encode(), LEVEL)


def unpack(
    facts_value: str, lists_value: bytes, columns: Mapping[str, str], *, orders: int, touches: int
) -> Published:
    """Read a card; `columns` are the types of customer_360's columns, in their order.

    Gives at most so many orders, as many parcels, and so many touches.
    """
    facts, parcels = json.loads(facts_value)
    identifiers, bought, newest = json.loads(zlib.decompress(lists_value))
    for place, kind in enumerate(columns.values()):
        if kind in _READ:
            facts[place] = _READ[kind](facts[place])
    return Published(
        facts=cast("CustomerFacts", dict(zip(columns, facts, strict=True))),
        identifiers=tuple(Identifier(*row) for row in _rows(identifiers, (3, 4))),
        orders=tuple(Order(*row) for row in _rows(bought[:orders], (2,))),
        shipments=tuple(Shipment(*row) for row in _rows(parcels[:orders], (6, 7, 8))),
        touches=tuple(TimelineEntry(*row) for row in _rows(newest[:touches], (0,))),
    )


def _rows(rows: Iterable[list[Any]], moments: Sequence[int]) -> Iterable[list[Any]]:
    """Give rows with the texts in these places as the times that they are."""
    for row in rows:
        for place in moments:
            row[place] = _moment(row[place])
        yield row


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


_READ: dict[str, Callable[[Any], object]] = {"TIMESTAMP": _moment, "DATE": _day}
