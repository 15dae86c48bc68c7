"""The loop closes: what people do with our messages, as the receiver hears it, is in the next build's view of them."""

import json
import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.links import read_links
from messaging.sandbox.event_signing import EventKey
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from messaging.store.tables import messages
from messaging.webhooks import server as webhooks_server
from pipelines.defs.build import run_build
from pipelines.publishing.pointer import read_pointer
from pipelines.warehouse.connection import open_warehouse

from .conftest import NOON

ADA, BEN = "ada.quill@example.com", "+447700900002"
EPOCH = datetime(1970, 1, 1)
LATER = Clock(NOON + timedelta(hours=2))
MAIL, TEXT = f"msg_{1:032x}", f"msg_{2:032x}"
CHAIR = "https://shop.example.com/chair"
PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"}
KEY = EventKey("a company's secret")
ROBOT = {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}
pytestmark = pytest.mark.slow


def released(settings: Settings, query: str, *bound: Any) -> list[tuple[Any, ...]]:
    pointer = read_pointer(settings.releases_dir)
    assert pointer is not None
    with open_warehouse(settings.releases_dir / pointer.file, read_only=True) as connection:
        return connection.execute(query, list(bound)).fetchall()


def owner(settings: Settings, value: str) -> str:
    (row,) = released(settings, "SELECT customer_id FROM customer_identifiers WHERE value = ?", value)
    return str(row[0])


def message(settings: Settings, address: str, channel: str, **columns: Any) -> dict[str, Any]:
    """Give a message that went out to somebody an hour ago."""
    sent_at: datetime = NOON + timedelta(hours=1)
    return {
        "customer_id": owner(settings, address),
        "channel": channel,
        "address": address,
        "message_class": "marketing",
        "body": "The oak chair is back.",
        "campaign": "autumn",
        "state": "done",
        "provider_status": "delivered",
        **dict.fromkeys(("created_at", "calling_at", "accepted_at", "delivered_at", "updated_at"), sent_at),
        **columns,
    }


def test_opens_and_clicks_that_the_receiver_heard_are_in_the_next_builds_timeline_and_engagement(
    copied: Settings,
) -> None:
    at = {"delivered": 65, "open": 90}  # minutes after noon
    about = {"email": ADA, "message_id": MAIL, "sg_message_id": "sgABC.recvd-1-0"}
    events = [
        {**about, "timestamp": int((NOON - EPOCH).total_seconds()) + 60 * at[str(each["event"])], **each}
        for each in (
            {"event": "delivered", "sg_event_id": "d1"},
            {"event": "open", "sg_event_id": "o1"},
            {"event": "open", "sg_event_id": "o2", "sg_machine_open": True},
        )
    ]
    signing = read_settings(home=copied.home, sendgrid_verification_key=KEY.public)
    with open_store(copied) as store:
        rows = [
            message(copied, ADA, "email", message_id=MAIL, provider="sendgrid", provider_sid="sgABC"),
            message(copied, BEN, "sms", message_id=TEXT, provider="twilio", provider_sid="SM77"),
        ]
        addresses = read_addresses(copied, store)
        with store.write() as connection:
            for row in rows:
                hashed = {"address_hash": addresses.hash(row["address"])}
                connection.execute(insert(messages).values(**row, **hashed))
        with webhooks_server.running(signing, store, LATER, find_customers=lambda _: []) as receiver:
            links = read_links(receiver.settings)
            for message_id, headers in [(MAIL, PERSON), (MAIL, ROBOT), (TEXT, PERSON)]:
                answer = httpx.get(links.click(message_id, CHAIR), headers=headers)
                assert (answer.status_code, answer.headers["location"]) == (302, CHAIR)
            public = receiver.settings.public_url
            body = json.dumps(events).encode()
            signed = KEY.headers(str(int(time.time())), body) | {"Content-Type": "application/json"}
            posted = httpx.post(f"{public}/webhooks/sendgrid/events", content=body, headers=signed)
            assert posted.status_code == 204
    run_build(copied, LATER)

    ada, ben = owner(copied, ADA), owner(copied, BEN)
    told = released(
        copied, "SELECT title FROM customer_timeline WHERE customer_id = ? AND campaign = 'autumn'", ada
    )
    titles = sorted(title for (title,) in told)
    assert titles.count("Link in e-mail followed") == 2
    assert {"E-mail opened", "E-mail opened by a machine"} < set(titles)
    assert len(titles) == 5, f"our own message is told once: {json.dumps(titles)}"
    columns = "emails_sent_90d, opens_90d, clicks_90d, machine_opens_90d, scanner_clicks_90d, sms_sent_90d"
    query = f"SELECT {columns} FROM customer_360 WHERE customer_id = ?"
    assert released(copied, query, ada) == [(1, 1, 1, 1, 1, 0)]
    assert released(copied, query, ben) == [(0, 0, 1, 0, 0, 1)]
    query = "SELECT last_open_at, last_click_at FROM customer_360 WHERE customer_id = ?"
    assert released(copied, query, ada) == [(NOON + timedelta(minutes=90), NOON + timedelta(hours=2))]
