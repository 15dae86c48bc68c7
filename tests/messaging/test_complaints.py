"""Open complaints: marketing rests at once, for the person and the address, until the complaint is settled."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.complaints import Complaint, agree_with, close_complaint, open_complaint
from messaging.consent import KnownAs
from messaging.dispatch import dispatch_once
from messaging.store import Store
from messaging.store.tables_record import audit

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


def test_a_person_settles_what_no_record_will_end_and_the_audit_says_who(
    store: Store, outbox_of: Any, provider: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(home))
    pin_clock(home, NOON)
    with store.write() as connection:
        open_complaint(connection, Complaint("sendgrid", "event/1", "spam_report", NOON, "cus_0"))

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(
            app, ["consent", "complaint", *arguments, "--json", "--actor", "ann"], catch_exceptions=False
        )
        return json.loads(result.stdout)

    (found,) = run("list")["complaints"]
    assert (found["customer_id"], found["kind"]) == ("cus_0", "spam_report")
    assert run("settle", found["flag_id"]) == {"settled": found["flag_id"]}
    assert run("list") == {"complaints": []}
    with pytest.raises(RefusedError, match="settled on 30 October 2026 by ann"):
        run("settle", found["flag_id"])
    with pytest.raises(NotFoundError, match="no complaint 'cmp_none'"):
        run("settle", "cmp_none")
    outbox_of.put()
    assert dispatch_once(store, {"sms": provider}, CLOCK).accepted == 1
    with store.read() as connection:
        actions = connection.execute(
            select(audit.c.actor, audit.c.subject).where(audit.c.action == "consent.complaint.settle")
        )
        assert [tuple(row) for row in actions] == [("ann", found["flag_id"])]


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
