"""What people sent through our own contact form: from our own store into landing, as form submissions."""

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from messaging.clock import Clock
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import inbound_messages
from pipelines.sources.outreach import FORM_CHANNEL, OutreachReport, Record, land_own

SOURCE, TABLE = "rapport", "form_submissions"
FORM = "1"  # raise it when a column below is filled in another way: then everything is read again


def export_forms(settings: Settings, store: Store, clock: Clock, *, full: bool = False) -> OutreachReport:
    """Land the submissions that came since they were landed last; with `full`, look at all of them again."""
    return land_own(settings, store, clock, (SOURCE, TABLE, FORM), read_forms, full=full)


def read_forms(connection: Connection, since: datetime | None = None) -> Iterator[Record]:
    """Read the store as canonical rows, all values as text; `since` (naive UTC) leaves out what came before it."""
    table = inbound_messages.c
    query = select(inbound_messages).where(table.channel == FORM_CHANNEL)
    if since:
        query = query.where(table.received_at >= since)
    for row in connection.execute(query.order_by(table.inbound_id)):
        yield {
            "source": SOURCE,
            "source_record_id": f"submission/{row.inbound_id}",
            "occurred_at": row.received_at.isoformat(sep=" "),
            "submission_id": row.inbound_id,
            "form_id": "contact",
            "email": row.from_address,
            "message": row.body,
            "fields": json.dumps(row.payload, sort_keys=True, ensure_ascii=False),
        }
