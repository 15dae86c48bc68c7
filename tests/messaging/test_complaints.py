"""Open complaints: marketing rests at once, for the person and the address, until the complaint is settled."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.complaints import Complaint, agree_with, close_complaint, open_complaint, report_spam
from messaging.consent import KnownAs
from messaging.dispatch import dispatch_once
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)


def _complaint(record: str = "ticket/1", **who: Any) -> Complaint:
    return Complaint("zendesk", record, "record", NOON - timedelta(days=2), **who)


@pytest.mark.parametrize("whose", ["person", "other id", "address"])
def test_a_complaint_of_a_second_ago_stops_marketing_to_person_and_address_alone(
    store: Store, outbox_of: Any, provider: Any, addresses: Any, whose: str
) -> None:
    (message_id, other) = outbox_of.put(2)
    ids = {"cus_0": KnownAs(("cus_0", "cus_old"))}
    who = {
        "person": {"customer_id": "cus_0"},
        "other id": {"customer_id": "cus_old"},
        "address": {"address_hash": addresses.hash("+442079460000")},
    }[whose]
    with store.write() as connection:
        assert open_complaint(connection, _complaint(**who))
        assert not open_complaint(connection, _complaint(**who)), "told twice, it is one"
    dispatch_once(store, {"sms": provider}, CLOCK, merges=lambda: ids)
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == ("skipped", "open_complaint")
    assert "since 28 October 2026" in row.detail
    assert outbox_of.row(other).state == "accepted"


def test_a_complaint_keeps_no_answer_and_no_receipt_back(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put(message_class="conversational", consent=False)
    outbox_of.put(message_class="transactional", consent=False, first=1)
    with store.write() as connection:
        open_complaint(connection, _complaint(customer_id="cus_0"))
        open_complaint(connection, _complaint("ticket/2", customer_id="cus_1"))
    assert dispatch_once(store, {"sms": provider}, CLOCK).accepted == 2


def test_once_it_is_settled_marketing_goes_again(store: Store, outbox_of: Any, provider: Any) -> None:
    with store.write() as connection:
        open_complaint(connection, _complaint(customer_id="cus_0"))
        assert close_complaint(connection, "zendesk", "ticket/1", NOON, "ann")
        assert not close_complaint(connection, "zendesk", "ticket/1", NOON, "ann")
    outbox_of.put()
    assert dispatch_once(store, {"sms": provider}, CLOCK).accepted == 1


def test_a_spam_report_by_mail_rests_marketing_on_every_channel_and_ends_the_address(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    hashed = addresses.hash("ada@example.com")
    with store.write() as connection:
        told = {"address_hash": hashed, "channel": "email", "at": NOON, "source": "sendgrid"}
        assert report_spam(connection, **told, source_record_id="event/1", customer_id="cus_0")
        assert not report_spam(connection, **told, source_record_id="event/1", customer_id="cus_0")
    outbox_of.put()
    outbox_of.put(channel="email", address="ada@example.com", message_class="transactional", first=1)
    report = dispatch_once(store, {"sms": provider, "email": provider}, CLOCK)
    assert report.skipped == {"open_complaint": 1, "suppressed": 1}
    assert outbox_of.suppressions() == {hashed: "complaint"}


def test_what_a_source_lists_no_more_is_settled_and_what_it_lists_again_is_open(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    one, two = _complaint(customer_id="cus_0"), _complaint("ticket/2", customer_id="cus_1")
    with store.write() as connection:
        open_complaint(connection, Complaint("sms", "message/9", "message", NOON, customer_id="cus_2"))
        found = [
            agree_with(connection, "zendesk", standing, NOON, "build")
            for standing in ([one, two], [one, two], [two], [one])
        ]
    assert found == [(2, 0), (0, 0), (0, 1), (1, 1)]
    ids = outbox_of.put(3)
    dispatch_once(store, {"sms": provider}, CLOCK)
    assert [outbox_of.row(each).state for each in ids] == ["skipped", "accepted", "skipped"]
