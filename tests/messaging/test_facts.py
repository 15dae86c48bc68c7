"""Facts for the gate: read for many at once, each with its own."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from messaging.consent import KnownAs, suppress
from messaging.facts import Candidate, gather, red_contracts
from messaging.outbox import StatusUpdate, apply_status
from messaging.policy import FrequencyCap, Limits
from messaging.store import Store
from messaging.store.tables import contract_status, messages

NOW = datetime.fromisoformat("2026-10-30T12:00")
ONE_CALL = Limits((FrequencyCap(1, 7),))


def _candidate(number: int, **values: Any) -> Candidate:
    plain = {
        "key": str(number),
        "person": KnownAs((f"cus_{number}",)),
        "channel": "sms",
        "address": f"+4420794{60000 + number}",
        "address_hash": f"h{number}",
    }
    return Candidate(**(plain | values))


def test_each_candidate_gets_its_own_facts(store: Store, outbox_of: Any) -> None:
    outbox_of.put(2)
    with store.write() as connection:
        suppress(connection, address_hash="h1", channel="sms", reason="stop", at=NOW, source="t")
        facts = gather(connection, [_candidate(number) for number in range(3)], NOW)
    assert [facts[key].suppression for key in "012"] == [None, "stop", None]
    assert [facts[key].consent is not None for key in "012"] == [True, True, False]
    assert facts["0"].zones == ("Europe/London",)


def test_the_same_person_on_another_channel_has_facts_of_its_own(store: Store, outbox_of: Any) -> None:
    outbox_of.put()
    mail = _candidate(0, key="mail", channel="email", address="ada@example.com")
    with store.read() as connection:
        facts = gather(connection, [_candidate(0), mail], NOW)
    assert facts["0"].consent is not None
    assert (facts["mail"].consent, facts["mail"].zones) == (None, ())


def test_the_address_of_a_chat_tells_of_no_place(store: Store) -> None:
    chat = _candidate(0, channel="chat", address="CH" + "0" * 32, time_zone="Europe/London")
    with store.read() as connection:
        facts = gather(connection, [chat], NOW)
    assert (facts["0"].zones, facts["0"].places) == (("Europe/London",), ())


def test_what_may_have_arrived_counts_against_the_cap_under_every_id_of_a_person(
    store: Store, outbox_of: Any
) -> None:
    ids = outbox_of.put(6, customer_id="cus_0", consent=False)
    states = ["calling", "unknown", "accepted", "done", "skipped", "queued"]
    with store.write() as connection:
        for message_id, state in zip(ids, states, strict=True):
            this = messages.update().where(messages.c.message_id == message_id)
            connection.execute(this.values(state=state, calling_at=NOW - timedelta(days=1)))
        counted = gather(
            connection,
            [_candidate(9, person=KnownAs(("cus_9", "cus_0"))), _candidate(0, message_id=ids[0])],
            NOW,
        )
    assert len(counted["9"].sent) == 4
    assert len(counted["0"].sent) == 3, "a message does not count against itself"


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (["initiated", "ringing", "in-progress", "completed"], 1),
        (["initiated", "ringing", "no-answer"], 1),
        (["no-answer"], 1),
        (["initiated", "ringing", "busy"], 1),
        (["busy"], 1),
        (["initiated", "ringing", "canceled"], 1),
        (["canceled", "ringing"], 1),
        (["initiated", "canceled"], 0),
        (["initiated", "failed"], 0),
    ],
)
def test_a_phone_that_rang_counts_whoever_answered_it_and_one_that_never_rang_does_not(
    store: Store, outbox_of: Any, told: list[str], count: int
) -> None:
    (message_id,) = outbox_of.put(1, channel="voice", customer_id="cus_0", consent=False)
    with store.write() as connection:
        this = messages.update().where(messages.c.message_id == message_id)
        connection.execute(this.values(state="calling", calling_at=NOW - timedelta(hours=1)))
        for word in told:
            apply_status(connection, StatusUpdate("twilio", "CA1", word, message_id), NOW)
        facts = gather(connection, [_candidate(0, channel="voice")], NOW, ONE_CALL)
    assert len(facts["0"].sent) == count


def test_a_text_message_that_did_not_arrive_was_noticed_by_nobody(store: Store, outbox_of: Any) -> None:
    (message_id,) = outbox_of.put(1, customer_id="cus_0", consent=False)
    with store.write() as connection:
        this = messages.update().where(messages.c.message_id == message_id)
        connection.execute(this.values(state="calling", calling_at=NOW - timedelta(hours=1)))
        apply_status(connection, StatusUpdate("twilio", "SM1", "undelivered", message_id), NOW)
        assert gather(connection, [_candidate(0)], NOW, ONE_CALL)["0"].sent == ()


def test_what_is_older_than_the_window_or_no_marketing_does_not_count(store: Store, outbox_of: Any) -> None:
    outbox_of.put(message_class="transactional")
    outbox_of.put()
    with store.write() as connection:
        connection.execute(
            text("UPDATE messages SET state = 'done', calling_at = '2026-09-01 12:00:00.000000'")
        )
        facts = gather(connection, [_candidate(0)], NOW, Limits((FrequencyCap(1, 7, "sms"),)))
        assert facts["0"].sent == ()
        assert gather(connection, [_candidate(0)], NOW, Limits())["0"].caps == ()


def test_red_tables_are_named_all_or_those_asked_for(store: Store) -> None:
    rows = [("orders", "red"), ("contacts", "red"), ("chats", "amber")]
    with store.write() as connection:
        for name, state in rows:
            values = {"table_name": name, "state": state, "checked_at": NOW}
            connection.execute(insert(contract_status).values(rows_checked=1, rows_quarantined=0, **values))
        assert red_contracts(connection) == ("contacts", "orders")
        assert red_contracts(connection, ["orders", "chats"]) == ("orders",)
