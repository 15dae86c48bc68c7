"""What a report says of readers: each message once, machines apart; on both databases."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from messaging import consent
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.planner.readers import readers_of
from messaging.planner.views import Readers
from messaging.store import Store
from messaging.store.tables_receiver import tracking_events

NOON = datetime.fromisoformat("2026-10-30T12:00")


def test_readers_are_counted_by_message_with_machines_apart(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(6, run_id=run_id)
    other = outbox_of.put(1, first=50)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    seen = [
        (ids[0], "open", True),
        (ids[0], "open", False),  # a person opened it after the scanner
        (ids[0], "open", False),
        (ids[1], "open", True),
        (ids[2], "open", False),
        (ids[2], "click", False),
        (ids[3], "click", True),
        (ids[3], "delivered", False),
        (other[0], "open", False),
    ]
    later = NOON + timedelta(minutes=1)
    rows = [
        {
            "event_id": f"evt_{number}",
            "kind": kind,
            "message_id": message_id,
            "occurred_at": later,
            "received_at": later,
            "machine": machine,
        }
        for number, (message_id, kind, machine) in enumerate(seen)
    ]
    with store.write() as connection:
        connection.execute(insert(tracking_events), rows)
        for message_id, reason in ((ids[4], "bounce"), (ids[5], "complaint")):
            where = {"address_hash": outbox_of.row(message_id).address_hash, "channel": "sms"}
            consent.suppress(connection, **where, reason=reason, at=later, source="test")
    with store.read() as connection:
        assert readers_of(connection, run_id) == Readers(
            opened=2,
            opened_by_machines=1,
            clicked=1,
            clicked_by_machines=1,
            bounced=1,
            complained=1,
        )
        assert readers_of(connection, "run_of_nobody") == Readers()
