"""A STOP against a running batch: once it is committed, no call to that address or person begins."""

import threading
import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.store import Store
from messaging.store.tables import attempts
from messaging.store.times import database_now

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
BATCH = 200
STOPS = 60


@pytest.mark.slow
def test_no_call_begins_after_a_committed_stop(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    ids = outbox_of.put(BATCH)
    stopped: dict[str, datetime] = {}
    plain_send = provider.send

    def slow_send(message: Any) -> Any:
        time.sleep(0.02)
        return plain_send(message)

    provider.send = slow_send

    def stop_some() -> None:
        for number in range(BATCH - 1, BATCH - 1 - STOPS, -1):  # from the end, which is sent last
            with store.write() as connection:
                consent.stop(
                    connection,
                    address_hash=addresses.hash(f"+4420794{60000 + number}"),
                    channel="sms",
                    at=NOW.now(),
                    source="test",
                )
            with store.read() as connection:
                stopped[ids[number]] = database_now(connection)  # by now it is committed

    stopper = threading.Thread(target=stop_some)
    stopper.start()
    report = dispatch_once(store, {"sms": provider}, NOW, threads=8)
    stopper.join()
    with store.read() as connection:
        rows = connection.execute(select(attempts.c.message_id, attempts.c.started_at))
        began = {row.message_id: row.started_at for row in rows}
    late = [one for one, at in stopped.items() if one in began and began[one] > at]
    assert late == []
    assert len(stopped) == STOPS
    assert report.skipped.get("suppressed", 0) > 0, "the race was never run"
    assert report.accepted + sum(report.skipped.values()) == BATCH
