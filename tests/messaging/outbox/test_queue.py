"""The outbox's queue: what is planned once is there once, and a state only changes along the drawn lines."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from messaging import outbox
from messaging.outbox.moves import move
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import messages

NOW = datetime.fromisoformat("2026-10-30T12:00")


def _planned(run_id: str, number: int = 0, **values: Any) -> outbox.PlannedMessage:
    plain = outbox.PlannedMessage(
        new_id("msg"), f"cus_{number}", "sms", f"+44{number}", f"hash_{number}", "Hello", run_id=run_id
    )
    return replace(plain, **values)


def test_what_is_planned_waits_for_the_launch(store: Store, outbox_of: Any) -> None:
    run_id = outbox_of.run()
    with store.write() as connection:
        assert outbox.insert_planned(connection, [_planned(run_id, 1), _planned(run_id, 2)], NOW) == 2
        assert outbox.claim(connection, "me", 9, NOW, channels=["sms"]) == []
        assert outbox.queue_run(connection, run_id, NOW) == 2
        assert len(outbox.claim(connection, "me", 9, NOW, channels=["sms"])) == 2


@pytest.mark.parametrize("again", [{"customer_id": "cus_0", "address_hash": "x"}, {"customer_id": "other"}])
def test_one_person_or_address_is_planned_once_a_step(
    store: Store, outbox_of: Any, again: dict[str, str]
) -> None:
    run_id = outbox_of.run()
    with store.write() as connection:
        assert outbox.insert_planned(connection, [_planned(run_id)], NOW) == 1
        assert outbox.insert_planned(connection, [_planned(run_id, **again)], NOW) == 0
        assert outbox.insert_planned(connection, [_planned(run_id, step=1, **again)], NOW) == 1


def test_two_dispatchers_never_claim_the_same_message(store: Store, outbox_of: Any) -> None:
    outbox_of.put(10)
    with store.write() as connection:
        first = outbox.claim(connection, "one", 6, NOW, channels=["sms"])
    with store.write() as connection:
        second = outbox.claim(connection, "two", 6, NOW, channels=["sms"])
    assert (len(first), len(second)) == (6, 4)
    assert not set(first) & set(second)


def test_the_oldest_goes_first(store: Store, outbox_of: Any) -> None:
    ids = outbox_of.put(5)
    with store.write() as connection:
        assert outbox.claim(connection, "me", 3, NOW, channels=["sms"]) == ids[:3]


def test_what_waits_for_an_hour_is_not_claimed_before_it(store: Store, outbox_of: Any) -> None:
    outbox_of.put()
    with store.write() as connection:
        connection.execute(messages.update().values(send_after=NOW + timedelta(hours=1)))
        assert outbox.waiting(connection, NOW, ["sms"]) == 0
        assert outbox.waiting(connection, NOW + timedelta(hours=1), ["sms"]) == 1


def test_another_dispatchers_lease_is_not_given_back(store: Store, outbox_of: Any) -> None:
    outbox_of.put(2)
    with store.write() as connection:
        ids = outbox.claim(connection, "other", 2, NOW, channels=["sms"])
        assert outbox.give_back(connection, "me", ids, NOW) == 0
        assert outbox.recover(connection, NOW) == outbox.Recovered(0, 0)
        assert outbox.give_back(connection, "other", ids, NOW) == 2


def test_a_run_is_done_when_nothing_of_it_is_open(store: Store, outbox_of: Any) -> None:
    empty, full = outbox_of.run(), outbox_of.run()
    outbox_of.put(run_id=full)
    with store.write() as connection:
        assert outbox.finish_runs(connection, NOW) == 1
        rows = connection.execute(text("SELECT run_id, state, finished_at IS NULL FROM campaign_runs"))
        assert {row[0]: (row[1], row[2]) for row in rows} == {empty: ("done", 0), full: ("running", 1)}


def test_counts_are_by_state_of_one_run_or_of_all(store: Store, outbox_of: Any) -> None:
    run_id = outbox_of.run()
    outbox_of.put(2, run_id=run_id)
    outbox_of.put(3, first=5)
    with store.read() as connection:
        assert outbox.counts(connection, run_id) == {"queued": 2}
        assert outbox.counts(connection) == {"queued": 5}


def test_a_way_that_is_not_drawn_cannot_be_gone(store: Store) -> None:
    with store.write() as connection, pytest.raises(ValueError, match="cannot go from done to queued"):
        move(connection, messages.c.message_id == "x", ["done"], "queued", NOW)
