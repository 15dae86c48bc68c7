"""Our own store as a source: each message, held-out person and reply once, and again when it changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import insert, update

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables import campaign_runs, inbound_messages, messages, run_audience
from pipelines.landing.manifest import list_landings
from pipelines.sources.outreach import export_outreach

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


def add(store: Store, table: Any, **values: Any) -> None:
    with store.write() as connection:
        connection.execute(insert(table).values(**values))


def add_run(store: Store, launched_at: datetime | None = NOON) -> None:
    add(
        store,
        campaign_runs,
        run_id="run_1",
        campaign="win_back",
        content_hash="0",
        content={},
        release_version="1",
        state="running",
        planned_at=NOON,
        planned_by="ada",
        launched_at=launched_at,
    )


def add_message(store: Store, number: int, **values: Any) -> None:
    about = {
        "message_id": f"msg_{number}",
        "run_id": "run_1",
        "campaign": "win_back",
        "customer_id": f"cus_{number}",
        "channel": "sms",
        "address": f"+4474001234{number:02d}",
        "address_hash": f"hash{number}",
        "message_class": "marketing",
        "body": "Hello",
        "state": "accepted",
        "created_at": NOON,
        "calling_at": NOON,
        "updated_at": NOON,
    }
    add(store, messages, **(about | values))


def landed(settings: Settings) -> list[dict[str, Any]]:
    paths = [str(landing.path) for landing in list_landings(settings, "outreach")]
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            "SELECT source_record_id, message_id, arm, state, customer_ref, phone FROM read_parquet(?)"
            " ORDER BY received_at, source_record_id",
            [paths],
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_an_empty_store_lands_nothing(settings: Settings, store: Store) -> None:
    assert export_outreach(settings, store, CLOCK).rows_in == 0
    assert list_landings(settings) == []


def test_a_message_lands_with_the_customer_whom_we_wrote_to(settings: Settings, store: Store) -> None:
    add_run(store)
    add_message(store, 1, provider_sid="SM1")
    assert export_outreach(settings, store, CLOCK).accepted == 1
    assert landed(settings) == [
        {
            "source_record_id": "outreach/msg_1",
            "message_id": "SM1",
            "arm": "sent",
            "state": "accepted",
            "customer_ref": "cus_1",
            "phone": "+447400123401",
        }
    ]


@pytest.mark.parametrize("state", ["planned", "queued", "cancelled"])
def test_what_reached_nobody_yet_is_no_outreach(settings: Settings, store: Store, state: str) -> None:
    add_run(store)
    add_message(store, 1, state=state)
    assert export_outreach(settings, store, CLOCK).rows_in == 0


def test_an_unchanged_message_lands_nothing_new_and_a_changed_one_a_new_version(
    settings: Settings, store: Store
) -> None:
    add_run(store)
    add_message(store, 1)
    add_message(store, 2)
    export_outreach(settings, store, CLOCK)
    assert export_outreach(settings, store, CLOCK).accepted == 0
    with store.write() as connection:
        connection.execute(
            update(messages)
            .where(messages.c.message_id == "msg_2")
            .values(provider_status="delivered", delivered_at=NOON, state="done", updated_at=NOON)
        )
    report = export_outreach(settings, store, CLOCK)
    assert (report.accepted, report.already_landed) == (1, 1)
    assert [row["state"] for row in landed(settings)] == ["accepted", "accepted", "delivered"]


def test_what_has_not_changed_for_long_is_not_even_read_again(settings: Settings, store: Store) -> None:
    add_run(store)
    add_message(store, 1, updated_at=NOON - timedelta(days=2))
    export_outreach(settings, store, CLOCK)
    add_message(store, 2)
    report = export_outreach(settings, store, CLOCK)
    assert (report.rows_in, report.accepted) == (1, 1)
    assert export_outreach(settings, store, CLOCK, full=True).rows_in == 2


def test_a_held_out_person_lands_once_the_run_was_launched(settings: Settings, store: Store) -> None:
    add_run(store, launched_at=None)
    add(store, run_audience, run_id="run_1", customer_id="cus_9", decision="holdout", channel="sms")
    assert export_outreach(settings, store, CLOCK).rows_in == 0
    with store.write() as connection:
        connection.execute(update(campaign_runs).values(launched_at=NOON))
    export_outreach(settings, store, CLOCK)
    (row,) = landed(settings)
    assert (row["source_record_id"], row["arm"]) == ("outreach/holdout/run_1/cus_9", "holdout")
    assert (row["state"], row["customer_ref"]) == ("held_out", "cus_9")


def test_a_reply_lands_with_the_run_that_it_answers(settings: Settings, store: Store) -> None:
    add_run(store)
    add_message(store, 1)
    add(
        store,
        inbound_messages,
        inbound_id="inb_1",
        provider="twilio",
        provider_sid="SM9",
        channel="sms",
        from_address="+447400123401",
        to_address="+15005550006",
        address_hash="hash1",
        body="STOP",
        keyword="stop",
        customer_id="cus_1",
        reply_to_message_id="msg_1",
        received_at=NOON,
        payload={},
    )
    export_outreach(settings, store, CLOCK)
    reply = next(row for row in landed(settings) if row["arm"] == "reply")
    assert (reply["source_record_id"], reply["message_id"]) == ("outreach/reply/inb_1", "SM9")
    assert (reply["state"], reply["customer_ref"]) == ("received", "cus_1")
