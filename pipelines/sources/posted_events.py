"""Events that programs posted to us with a key: from our own store into landing, as source `events`.

The receiver judged each by the schema of the contract and stored it once; here it lands like a record of any other source.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables_receiver import sent_events
from pipelines.sources.outreach import OutreachReport, Record, land_own

SOURCE = TABLE = "events"
FORM = "1"  # raise it when a column below is filled in another way: then everything is read again
AS_TOLD = (
    "name", "external_id", "email", "phone", "device_id", "handle", "currency", "order_id", "product_id", "url", "campaign",
)  # fmt: skip


def export_events(settings: Settings, store: Store, clock: Clock, *, full: bool = False) -> OutreachReport:
    """Land the events that came since they were landed last; with `full`, look at all of them again."""
    return land_own(settings, store, clock, (SOURCE, TABLE, FORM), read_events, full=full)


def read_events(connection: Connection, since: datetime | None = None) -> Iterator[Record]:
    """Read the store as canonical rows, all values as text; `since` (naive UTC) leaves out what came before it."""
    table = sent_events.c
    place = func.row_number().over(
        partition_by=table.message_id, order_by=(table.received_at, table.sender)
    )  # among the programs that use the same id
    numbered = select(sent_events, place.label("place")).subquery()
    query = select(numbered).order_by(numbered.c.message_id, numbered.c.place)
    if since:
        query = query.where(numbered.c.received_at >= since)
    for row in connection.execute(query):
        event: Mapping[str, Any] = row.event
        value = event.get("value_minor")
        properties = event.get("properties")
        # an id is its program's own; the first that used it landed under it alone, and goes on so
        event_id = row.message_id if row.place == 1 else f"{row.sender}/{row.message_id}"
        yield {
            "source": SOURCE,
            "source_record_id": f"event/{event_id}",
            "occurred_at": row.occurred_at.isoformat(sep=" "),
            "event_id": event_id,
            **{name: event.get(name) for name in AS_TOLD},
            "value_minor": None if value is None else str(int(value)),
            "properties": None if properties is None else _text(properties),
            "raw_record": _text(event),
        }


def _text(document: object) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
