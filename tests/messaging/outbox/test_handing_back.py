"""A call that was committed to and never made: its message goes again, unless somebody else has settled it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.quiet_hours import read_quiet_rules
from messaging.store import Store
from messaging.store.tables import campaign_runs

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))


def _call(store: Store, owner: str = "slow") -> outbox.Call:
    with store.write() as connection:
        lease = timedelta(0)
        ids = outbox.claim(connection, owner, 1, NOW.now(), channels=["sms"], lease=lease)
        rules = read_quiet_rules()
        (call,) = outbox.to_calling(connection, owner, ids, NOW.now(), rules=rules, lease=lease).calls
    return call


def _hand_back(store: Store, call: outbox.Call) -> int:
    with store.write() as connection:
        return outbox.hand_back(connection, [call], NOW.now())


def _take_over(store: Store) -> None:
    with store.write() as connection:
        assert outbox.recover(connection, NOW.now()).unknown == 1


def test_a_dispatcher_that_is_too_late_makes_no_call_and_gives_the_message_back(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    report = dispatch_once(store, {"sms": provider}, NOW, call_within=-1.0)
    assert (report.not_made, report.called, provider.calls) == (1, 0, 0)
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert (row.state, row.reason, row.lease_owner, attempt.outcome) == (
        "queued",
        "not_called",
        None,
        "not_made",
    )
    assert row.retry_at > attempt.finished_at
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE messages SET retry_at = NULL")
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    assert (outbox_of.row(message_id).reason, provider.calls) == (None, 1)


def test_the_message_of_a_run_that_was_stopped_meanwhile_does_not_go_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put(run_id=outbox_of.run())
    call = _call(store)
    _take_over(store)
    with store.write() as connection:
        connection.execute(update(campaign_runs).values(state="stopped"))
    assert _hand_back(store, call) == 0
    assert outbox_of.row(message_id).state == "cancelled"


@pytest.mark.parametrize("sent", [True, False])
def test_what_a_person_has_settled_stays_so(store: Store, outbox_of: Any, *, sent: bool) -> None:
    (message_id,) = outbox_of.put()
    call = _call(store)
    _take_over(store)
    with store.write() as connection:
        assert outbox.settle_by_word(connection, message_id, NOW.now(), sent=sent) == 1
    assert _hand_back(store, call) == 0
    assert outbox_of.row(message_id).state == ("accepted" if sent else "cancelled")


def test_a_message_that_was_called_again_belongs_to_that_call(store: Store, outbox_of: Any) -> None:
    (message_id,) = outbox_of.put()
    late = _call(store)
    _take_over(store)
    with store.write() as connection:
        assert outbox.requeue_unsent(connection, message_id, NOW.now()) == 1
    _call(store, "second")
    assert _hand_back(store, late) == 0
    row = outbox_of.row(message_id)
    assert (row.state, row.lease_owner) == ("calling", "second")
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["not_made", None]
