"""Events that were posted to us land as source `events`, each once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import insert

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables_receiver import sent_events
from pipelines.landing.manifest import list_landings
from pipelines.sources.posted_events import export_events

NOON = datetime.fromisoformat("2026-10-30T12:00")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


def put(store: Store, message_id: str, at: datetime = NOON, sender: str = "web-shop", **fields: Any) -> None:
    event = {"message_id": message_id, "name": "cart_left", "email": "ada@example.com", **fields}
    row = {"message_id": message_id, "key_id": "key_1", "occurred_at": at, "received_at": at, "event": event}
    row |= {"sender": sender}
    with store.write() as connection:
        connection.execute(insert(sent_events).values(**row))


def test_each_event_lands_once_as_it_was_told(settings: Settings, store: Store) -> None:
    put(store, "m1", value_minor=4900, currency="GBP", properties={"colour": "oak"})
    put(store, "m2")
    report = export_events(settings, store, Clock(NOON))
    assert (report.rows_in, report.accepted, report.quarantined) == (2, 2, 0)
    put(store, "m3", NOON + timedelta(minutes=5))
    later = export_events(settings, store, Clock(NOON + timedelta(minutes=10)))
    assert (later.rows_in, later.accepted, later.already_landed) == (3, 1, 2)
    landings = list_landings(settings, "events")
    assert {landing.source for landing in landings} == {"events"}
    files = str(settings.landing_dir / "events" / "events" / "*.parquet")
    rows = duckdb.sql(
        f"SELECT source_record_id, name, value_minor, properties FROM '{files}' ORDER BY source_record_id"
    ).fetchall()
    assert rows[0] == ("event/m1", "cart_left", 4900, '{"colour": "oak"}')
    assert [row[0] for row in rows] == ["event/m1", "event/m2", "event/m3"]


def test_events_of_two_programs_with_one_id_both_land_and_what_landed_keeps_its_name(
    settings: Settings, store: Store
) -> None:
    put(store, "1001")
    assert export_events(settings, store, Clock(NOON)).accepted == 1
    put(store, "1001", NOON + timedelta(minutes=5), sender="erp", name="invoice_paid")
    later = export_events(settings, store, Clock(NOON + timedelta(minutes=10)))
    assert (later.accepted, later.already_landed) == (1, 1)
    files = str(settings.landing_dir / "events" / "events" / "*.parquet")
    rows = duckdb.sql(f"SELECT source_record_id, event_id, name FROM '{files}' ORDER BY name").fetchall()
    assert rows == [("event/1001", "1001", "cart_left"), ("event/erp/1001", "erp/1001", "invoice_paid")]


def test_without_events_nothing_lands(settings: Settings, store: Store) -> None:
    assert export_events(settings, store, Clock(NOON)).rows_in == 0
    assert list_landings(settings, "events") == []
