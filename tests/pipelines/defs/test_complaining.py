"""Open complaints that a build finds rest marketing, by the store, and end with the ticket; a person's word outlasts a build."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.complaints import list_open, settle
from messaging.consent import KnownAs
from messaging.facts import Candidate, gather
from messaging.inbox import Inbound, receive
from messaging.policy import Blocked, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.tables_limits import complaint_flags
from pipelines.defs.build import run_build
from pipelines.defs.complaining import tell_store
from pipelines.warehouse.connection import open_warehouse

from .conftest import NOON, Record, land, purchase

pytestmark = pytest.mark.slow
ADA, BEN, CAT, DAN, EVE = (f"{name}@example.com" for name in ("ada.quill", "ben.quill", "cat", "dan", "eve"))
STRANGER = "+447700900055"
ANGRY = "It arrived broken, and nobody answers my mails."


def record(source: str, record_id: str, day: int, **columns: str) -> Record:
    at = f"2026-10-{day:02d} 10:00:00"
    return {"source": source, "source_record_id": record_id, "occurred_at": at, **columns}


def ticket(number: int, email: str, **columns: str) -> Record:
    told = {
        "ticket_id": str(number),
        "email": email,
        "subject": "My chair",
        "status": "open",
        "kind": "question",
    }
    return record("zendesk", f"ticket/{number}", 20, **(told | columns))


def review(number: int, email: str, rating: str, **columns: str) -> Record:
    told = {
        "review_id": str(number),
        "email": email,
        "rating": rating,
        "rating_scale": "5",
        "channel": "shop",
    }
    return record("shop", f"review/{number}", 21, **(told | columns))


def social(number: int, email: str, body: str, day: int = 22, direction: str = "inbound") -> Record:
    told = {"message_id": str(number), "channel": "facebook", "kind": "direct", "direction": direction}
    return record("facebook", f"message/{number}", day, email=email, body=body, **told)


def call(number: int, email: str, topic: str, status: str) -> Record:
    told = {"call_id": str(number), "direction": "inbound", "status": status, "topic": topic, "email": email}
    return record("aircall", f"call/{number}", 23, **told)


def flags(settings: Settings) -> dict[str, bool]:
    """Say of each record that a build took for a complaint whether it is open."""
    with open_store(settings) as store, store.read() as connection:
        table = complaint_flags
        rows = connection.execute(select(table).where(table.c.kind == "record")).all()
    return {row.source_record_id: row.closed_at is None for row in rows}


def blocked(settings: Settings, email: str) -> Any:
    """Ask the gate about marketing by mail to whoever has an address."""
    with open_warehouse(settings.build_path, read_only=True) as connection:
        query = "SELECT customer_id FROM identity.customer_identifiers WHERE value = ?"
        (found,) = connection.execute(query, [email]).fetchall()
    with open_store(settings) as store, store.read() as connection:
        hashed = read_addresses(settings, store).hash(email)
        one = Candidate("one", KnownAs((str(found[0]),)), "email", email, hashed, message_class="marketing")
        facts = gather(connection, [one], NOON)["one"]
    return facts.complaint_since, decide(facts, read_quiet_rules())


def test_what_a_build_finds_is_flagged_and_ends_with_its_ticket_and_a_settled_one_stays_settled(
    copied: Settings,
) -> None:
    land(copied, Clock(NOON), "tickets", [
        ticket(1, ADA, kind="complaint"),
        ticket(2, BEN, tags='["Reklamation", "parcel"]'),
        ticket(3, CAT, description="No complaints, thanks! Only a question."),
        ticket(4, CAT, kind="complaint", status="solved", solved_at="2026-10-21 10:00:00"),
    ])  # fmt: skip
    land(copied, Clock(NOON), "reviews", [
        review(1, DAN, "1", body="Meh."),
        review(2, "fan@example.com", "5", body="No complaints."),
        review(3, "old@example.com", "1", body=ANGRY, occurred_at="2026-03-01 10:00:00"),
        review(4, "won@example.com", "1", body=ANGRY, reply_text="We sent a new one.", replied_at="2026-10-22 10:00:00"),
    ])  # fmt: skip
    land(
        copied,
        Clock(NOON),
        "social_messages",
        [social(1, EVE, ANGRY), social(2, EVE, "Really, unacceptable!")],
    )
    land(copied, Clock(NOON), "calls", [call(1, "fay@example.com", "Complaint", "no_answer")])
    with open_store(copied) as store:  # somebody whom no release knows, who bought something meanwhile
        heard = Inbound("twilio", "SM55", "sms", STRANGER, "+15005550006", ANGRY, {})
        receive(store, read_addresses(copied, store), heard, Clock(NOON), lambda _: [])
    land(copied, Clock(NOON), "purchases", [purchase(6, phone=STRANGER, email="new@example.com")])
    run_build(copied, Clock(NOON))
    standing = {"desk:zendesk:1", "desk:zendesk:2", "review/1", "message/1", "call/1"}
    assert flags(copied) == dict.fromkeys(standing, True)
    since, verdict = blocked(copied, ADA)
    assert since == datetime.fromisoformat("2026-10-20T10:00")
    assert isinstance(verdict, Blocked)
    assert (verdict.reason, "open complaint since 20 October 2026" in verdict.sentence) == (
        "open_complaint",
        True,
    )
    assert blocked(copied, CAT)[0] is None
    assert blocked(copied, "new@example.com")[0] == NOON, (
        "the build found out who had written, and rests mail too"
    )

    with open_store(copied) as store:
        assert tell_store(copied, store, NOON, NOON) == (0, 0, 5), "told again, nothing changes"
        with store.write() as connection:
            for each in list_open(connection, 9):
                if each["source"] in {"zendesk", "facebook"}:  # not the shop's review, nor the call
                    settle(connection, each["flag_id"], NOON, "ann")

    later = NOON + timedelta(days=1)
    land(copied, Clock(later), "reviews", [review(1, DAN, "1", body="Meh.", reply_text="Sorry!")])
    land(
        copied,
        Clock(later),
        "social_messages",
        [social(3, EVE, "Still broken. I want my money back!", day=31)],
    )
    run_build(copied, Clock(later + timedelta(days=1)))
    after = dict.fromkeys(standing, False) | {"message/1": True, "call/1": True}
    assert flags(copied) == after, "an open ticket that a person settled is not opened again; a new word is"
