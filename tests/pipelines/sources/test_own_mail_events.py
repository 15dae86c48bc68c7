"""What readers do with our own mails lands as e-mail events: people and machines apart, each event once."""

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
from messaging.store.tables import messages
from messaging.store.tables_receiver import tracking_events
from pipelines.landing.manifest import list_landings
from pipelines.sources.outreach import export_outreach
from pipelines.sources.own_mail_events import export_mail_events

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        for number, (channel, address) in enumerate([("email", "ada@example.com"), ("sms", "+447400123401")]):
            row = {
                "message_id": f"msg_{number}",
                "customer_id": "cus_1",
                "channel": channel,
                "address": address,
            }
            row |= {"address_hash": "h", "message_class": "marketing", "body": "Hello", "state": "done"}
            row |= {"provider_sid": f"sid{number}", "campaign": "autumn", "provider_status": "delivered"}
            moments = dict.fromkeys(("created_at", "calling_at", "updated_at"), NOON - timedelta(days=2))
            with opened.write() as connection:
                connection.execute(insert(messages).values(**row, **moments))
        yield opened


def happen(store: Store, event_id: str, kind: str, message_id: str = "msg_0", **columns: Any) -> None:
    row = {"event_id": event_id, "kind": kind, "message_id": message_id, "machine": False}
    moments = {"occurred_at": NOON - timedelta(hours=1), "received_at": NOON}
    with store.write() as connection:
        connection.execute(insert(tracking_events).values(**(row | moments | columns)))


def landed(settings: Settings, table: str, columns: str) -> list[tuple[Any, ...]]:
    paths = [str(landing.path) for landing in list_landings(settings, table)]
    with duckdb.connect(":memory:") as connection:
        query = f"SELECT {columns} FROM read_parquet(?) ORDER BY received_at, source_record_id"
        return connection.execute(query, [paths]).fetchall()


def test_opens_and_clicks_land_as_our_record_names_the_mail_and_a_machines_is_marked(
    settings: Settings, store: Store
) -> None:
    happen(store, "rapport/evt_1", "click", url="https://shop.example.com/chair")
    happen(store, "rapport/evt_2", "click", url="https://shop.example.com/chair", machine=True)
    happen(store, "sendgrid/a1", "open", machine=True)
    happen(store, "sendgrid/a2", "spamreport")
    assert export_mail_events(settings, store, CLOCK).accepted == 4
    columns = "source, source_record_id, event_id, event, is_machine, email, message_ref, campaign"
    whose = ("ada@example.com", "sid0", "autumn")
    assert landed(settings, "email_events", columns) == [
        ("rapport", "event/rapport/evt_1", "evt_1", "click", False, *whose),
        ("rapport", "event/rapport/evt_2", "evt_2", "click", True, *whose),
        ("rapport", "event/sendgrid/a1", "a1", "open", True, *whose),
        ("rapport", "event/sendgrid/a2", "a2", "spamreport", False, *whose),
    ]


def test_an_event_lands_once_and_what_is_no_mail_of_ours_not_at_all(settings: Settings, store: Store) -> None:
    happen(store, "sendgrid/a1", "open")
    happen(store, "sendgrid/a2", "open", message_id="msg_of_others")
    happen(store, "sendgrid/a3", "bounce")
    happen(store, "rapport/evt_1", "click", message_id="msg_1")
    assert export_mail_events(settings, store, CLOCK).accepted == 1
    assert export_mail_events(settings, store, CLOCK).accepted == 0
    happen(store, "sendgrid/a4", "click")
    assert export_mail_events(settings, store, CLOCK).accepted == 1


def test_a_text_message_whose_link_a_person_followed_lands_again_as_clicked(
    settings: Settings, store: Store
) -> None:
    export_outreach(settings, store, CLOCK)
    happen(store, "rapport/evt_1", "click", message_id="msg_1", machine=True)
    assert export_outreach(settings, store, CLOCK).accepted == 0
    happen(store, "rapport/evt_2", "click", message_id="msg_1")
    assert export_outreach(settings, store, CLOCK).accepted == 1
    states = landed(settings, "outreach", "source_record_id, state, clicked_at")
    assert states[-1] == ("outreach/msg_1", "clicked", NOON - timedelta(hours=1))
