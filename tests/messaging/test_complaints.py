"""Open complaints: marketing rests at once, for the person and the address, until the complaint is settled."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.complaints import (
    Complaint,
    agree_with,
    close_complaint,
    list_open,
    open_complaint,
    open_complaints,
    settle,
)
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


def agreed(store: Store, *standing: Complaint, people: Any = None, at: datetime = NOON) -> tuple[int, int]:
    with store.write() as connection:
        return agree_with(connection, standing, people or {}, at)


def whose(store: Store) -> list[str | None]:
    with store.read() as connection:
        return [each["customer_id"] for each in list_open(connection, 9)]


def test_what_a_build_lists_no_more_is_settled_and_what_it_lists_again_is_open(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    one, two = _complaint(customer_id="cus_0"), _complaint("ticket/2", customer_id="cus_1")
    with store.write() as connection:
        open_complaint(connection, Complaint("sms", "message/9", "message", NOON, customer_id="cus_2"))
    found = [agreed(store, *standing) for standing in ([one, two], [one, two], [two], [one])]
    assert found == [(2, 0), (0, 0), (0, 1), (1, 1)]
    ids = outbox_of.put(3)
    dispatch_once(store, {"sms": provider}, CLOCK)
    assert [outbox_of.row(each).state for each in ids] == ["skipped", "accepted", "skipped"]


def test_what_a_person_settled_stays_so_until_the_customer_says_something_new(store: Store) -> None:
    told = _complaint(customer_id="cus_0")
    agreed(store, told)
    with store.write() as connection:
        (flag,) = list_open(connection, 9)
        settle(connection, flag["flag_id"], NOON, "ann")
    assert agreed(store, told, at=NOON + timedelta(days=1)) == (0, 0)
    assert agreed(store, replace(told, said_at=NOON - timedelta(hours=1))) == (0, 0), "ann knew of that"
    assert agreed(store, replace(told, said_at=NOON + timedelta(hours=1))) == (1, 0)
    assert whose(store) == ["cus_0"]


def test_what_the_receiver_heard_is_not_told_again_by_the_providers_own_export(store: Store) -> None:
    heard = Complaint("twilio", "message/SM9", "message", NOON, customer_id="cus_0")
    with store.write() as connection:
        open_complaint(connection, heard)
    exported = replace(heard, kind="record", said_at=NOON + timedelta(days=1))
    assert (agreed(store, exported), agreed(store)) == ((0, 0), (0, 0))
    assert whose(store) == ["cus_0"]


def test_a_flag_stays_with_an_id_that_is_theirs_and_follows_its_record_to_a_stranger(store: Store) -> None:
    agreed(store, _complaint(customer_id="cus_old"))
    merged = {"cus_new": KnownAs(("cus_new", "cus_old"))}
    assert agreed(store, _complaint(customer_id="cus_new"), people=merged) == (0, 0)
    parted = {"cus_part": KnownAs(("cus_part",), shared=(("cus_old", NOON),))}
    agreed(store, _complaint(customer_id="cus_part"), people=parted)
    assert whose(store) == ["cus_old"], "both parts of one who was cut in two are known by it"
    with store.read() as connection:
        found = open_complaints(connection, ["cus_part", "cus_old"], [])
    assert found.since(parted["cus_part"], None) is not None
    assert found.since(KnownAs(("cus_old",)), None) is not None
    agreed(store, _complaint(customer_id="cus_stranger"))
    assert whose(store) == ["cus_stranger"]


def test_a_record_of_two_people_rests_marketing_to_both(store: Store) -> None:
    both = [_complaint(customer_id=each) for each in ("cus_1", "cus_0")]
    assert (agreed(store, *both), agreed(store, *both)) == ((2, 0), (0, 0))
    assert sorted(map(str, whose(store))) == ["cus_0", "cus_1"]
