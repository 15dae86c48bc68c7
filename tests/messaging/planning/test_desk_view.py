"""What a desk shows: who waits, a brief, a narrowed timeline, and who is one person by somebody's word."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from data_contracts.errors import NotFoundError
from messaging.clock import Clock
from messaging.customers import Customers, OpenConversation, Order, Shipment, TimelineEntry
from messaging.customers.narrowing import answer_seconds, narrowed
from messaging.desk.brief import brief
from messaging.desk.follow_ups import FollowUp, promise
from messaging.desk.identity import decide_identity, decisions_about, take_back
from messaging.desk.notes import Note
from messaging.desk.today import LATELY, needs_today
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import inbound_messages, messages

NOON = datetime.fromisoformat("2026-10-30T12:00")
AS_OF = datetime.fromisoformat("2026-10-30T06:00")
ONE, TWO, THREE = (f"cus_{number:032x}" for number in (1, 2, 3))


def entry(minutes: int, direction: str, body: str = "", channel: str = "sms", **values: Any) -> TimelineEntry:
    facts: dict[str, Any] = {
        "occurred_at": NOON + timedelta(minutes=minutes),
        "touch_id": f"t{minutes}",
        "channel": channel,
        "origin_table": "sms_messages",
        "direction": direction,
        "kind": channel,
        "title": "Wrote to us" if direction == "in" else "We wrote",
        "body": body,
        "source": "twilio",
        "source_record_id": f"message/{minutes}",
    }
    return TimelineEntry(**(facts | values))


def test_a_timeline_is_narrowed_by_channel_by_every_word_in_any_writing_and_by_a_day() -> None:
    entries = [
        entry(30, "in", "Où est mon Colis ?", "chat"),
        entry(20, "out", "Your parcel is late"),
        entry(10, "in", "My parcel, please"),
    ]
    assert narrowed(entries, words="COLIS ou") == [entries[0]]
    assert narrowed(entries, words="parcel", channels={"sms"}) == entries[1:]
    assert narrowed(entries, words="parcel please") == [entries[2]]
    assert narrowed(entries, until=NOON + timedelta(minutes=20)) == entries[1:]
    assert narrowed(entries) == entries


def test_how_long_they_take_to_answer_is_told_by_channel_of_what_they_did_answer() -> None:
    entries = [
        entry(0, "out"),
        entry(6, "in"),
        entry(100, "out"),
        entry(102, "out"),
        entry(110, "in"),
        entry(111, "in"),
        entry(0, "out", channel="email"),
        entry(60 * 24 * 20, "in", channel="email"),  # three weeks later: no answer to that
    ]
    assert answer_seconds(entries) == {"sms": 7 * 60}


def test_a_brief_says_who_they_are_what_they_wait_for_what_went_wrong_and_what_was_promised() -> None:
    facts = {
        "display_name": "Ada Lovelace",
        "order_count": 2,
        "first_order_at": NOON - timedelta(days=400),
        "net_revenue_minor": 12345,
        "open_complaint_count": 1,
        "repeat_contacts_7d": 2,
        "last_csat": 0.25,
        "last_nps": 3.0,
    }
    waits = OpenConversation(
        "c1",
        NOON,
        NOON,
        "chat",
        1,
        0,
        NOON - timedelta(hours=3),
        "late_parcel",
        True,
        None,
        "#7",
        "Where\nis it? " * 20,
    )
    order = Order("#7", "shopify", NOON - timedelta(days=9), "paid", 1, 4500, 0, "GBP")
    parcel = Shipment(
        "s", "#7", "shopify", "in_transit", "DHL", None, None, NOON - timedelta(days=2), None, 2
    )
    call = FollowUp("f", ONE, "Call back", NOON - timedelta(days=3), NOON, "ann")
    note = Note("n", ONE, "Prefers mornings", NOON, "bob")
    told = brief(
        facts,
        conversations=[waits],
        orders=[order],
        shipments=[parcel],
        follow_ups=[call],
        notes=[note],
        now=NOON,
        zone="Europe/London",
        money=lambda minor: f"£{minor / 100:.2f}",
    )
    assert told[0] == (
        "Ada Lovelace has placed 2 orders since September 2025, £123.45 after refunds; "
        "the last is #7 of 21 October 2026, £45.00."
    )
    assert told[1].startswith(
        "They have waited 3 hours for an answer by chat about late parcel (order #7): “Where is it?"
    )
    assert told[1].endswith("…”")
    assert told[2:] == (
        "The parcel of order #7 with DHL is 2 days late, expected on 28 October 2026.",
        "1 complaint of theirs is not settled.",
        "They had to ask again 2 times within 7 days.",
        "They were last 25 % satisfied.",
        "ann promised by 27 October 2026, 3 days ago: “Call back”",
        "bob noted on 30 October 2026: “Prefers mornings”",
    )


def test_a_brief_of_somebody_of_whom_nothing_is_known_is_one_sentence() -> None:
    facts = {"display_name": None, "order_count": 0}
    nothing: dict[str, Any] = dict.fromkeys(
        ("conversations", "orders", "shipments", "follow_ups", "notes"), ()
    )
    told = brief(facts, **nothing, now=NOON, zone="UTC", money=str)
    assert told == ("Somebody whose name we do not know has not bought yet.",)


def answer(store: Store, customer_id: str, at: datetime) -> None:
    row = {"message_id": new_id("msg"), "customer_id": customer_id, "channel": "sms", "address_hash": "h"}
    row |= {
        "body": "Here.",
        "message_class": "conversational",
        "state": "queued",
        "created_at": at,
        "updated_at": at,
    }
    with store.write() as connection:
        connection.execute(insert(messages).values(**row))


def hear(store: Store, customer_id: str, at: datetime) -> None:
    row = {"inbound_id": new_id("inb"), "provider": "t", "provider_sid": new_id("inb"), "channel": "sms"}
    row |= {"from_address": "a", "to_address": "b", "address_hash": "h", "body": "Hello?", "payload": {}}
    with store.write() as connection:
        connection.execute(insert(inbound_messages).values(**row, customer_id=customer_id, received_at=at))


def test_who_waits_is_told_until_one_of_us_answers_and_again_when_they_write_again(
    customers: Customers,
    publish: Callable[..., Any],
    make_person: Callable[..., Any],
    store: Store,
    clock: Clock,
) -> None:
    publish(
        customer_360=[
            make_person(1, waiting_since=AS_OF - timedelta(hours=2)),
            make_person(2, waiting_since=AS_OF - timedelta(hours=1), open_complaint_count=1),
            make_person(3, waiting_since=AS_OF - LATELY * 2),
        ],
        identity_review=[
            {"review_id": "rev_1", "customer_id": ONE, "other_customer_id": TWO, "probability": 0.6,
             "source": "crm", "source_record_id": "contact/1", "other_source": "crm", "other_record_id": "contact/2"}
        ],
    )  # fmt: skip
    promise(store, clock, THREE, "Call back", clock.now() + timedelta(hours=3), actor="ann")
    told = needs_today(customers, store, clock.now())
    assert [each.customer_id for each in told.waiting] == [TWO, ONE], "who complains comes first"
    assert (told.waiting_lately, told.waiting_ever, told.doubts, told.first_doubt) == (2, 3, 1, ONE)
    assert told.names == {THREE: "Ada Lovelace3"}
    answer(store, ONE, AS_OF - timedelta(minutes=90))  # the release knows of that one
    answer(store, TWO, AS_OF + timedelta(minutes=1))
    hear(store, THREE, AS_OF + timedelta(minutes=2))
    told = needs_today(customers, store, clock.now())
    assert [each.customer_id for each in told.waiting] == [ONE, THREE]
    hear(store, TWO, AS_OF + timedelta(minutes=3))
    assert needs_today(customers, store, clock.now()).waiting_lately == 3
    assert not needs_today(customers, store, clock.now()).is_quiet


def test_two_customers_are_said_to_be_one_and_it_can_be_taken_back(
    customers: Customers,
    publish: Callable[..., Any],
    make_person: Callable[..., Any],
    store: Store,
    clock: Clock,
) -> None:
    mapped = [
        {"source": "crm", "source_record_id": f"contact/{number}", "customer_id": f"cus_{number:032x}",
         "identifier_type": "email", "match_key": f"ada{number}@example.com"} for number in (1, 2)
    ]  # fmt: skip
    publish(customer_360=[make_person(1), make_person(2)], identity_map=mapped)
    said = decide_identity(
        store, customers, clock, "merge", ONE, TWO, reason="They called from both.", actor="ann"
    )
    assert said.is_new
    assert [each.reason for each in decisions_about(store, customers, TWO)] == ["They called from both."]
    take_back(store, clock, said.decision.decision_id, reason="A slip.", actor="bob")
    assert decisions_about(store, customers, ONE) == ()
    with pytest.raises(NotFoundError):
        decide_identity(store, customers, clock, "merge", ONE, "nobody@example.com", reason="x", actor="ann")
