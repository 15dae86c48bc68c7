"""Events that programs posted to us with a key: from our own store into landing, as source `events`.

The receiver judged each by the schema of the contract and stored it once; here it lands like a record of any other source.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

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
    query = select(sent_events)
    if since:
        query = query.where(sent_events.c.received_at >= since)
    for row in connection.execute(query.order_by(sent_events.c.message_id)):
        event: Mapping[str, Any] = row.event
        value = event.get("value_minor")
        properties = event.get("properties")
        yield {
            "source": SOURCE,
            "source_record_id": f"event/{row.message_id}",
            "occurred_at": row.occurred_at.isoformat(sep=" "),
            "event_id": row.message_id,
            **{name: event.get(name) for name in AS_TOLD},
            "value_minor": None if value is None else str(int(value)),
            "properties": None if properties is None else _text(properties),
            "raw_record": _text(event),
        }


def _text(document: object) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
