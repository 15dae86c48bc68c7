"""A dispatcher that stands still between the commit and the call, and goes on: with real processes that are stopped."""

import time
from datetime import timedelta
from typing import Any

import pytest

from messaging import consent
from messaging.clock import pin_clock
from messaging.dispatch import dispatch_once
from messaging.reconcile import reconcile
from messaging.store import Store

LONGER = 3.0  # seconds: than the bound that dispatchers of these tests have, and than their leases
POINTS = ("after_claim", "before_call", "before_bytes", "before_bytes:2")


def _suspend(line: Any, point: str) -> None:
    line.start(f"{point}:suspend" if ":" in point else f"{point}:1:suspend")
    line.stopped()


def _until(outbox_of: Any, message_id: str, states: set[str], reason: str | None = None) -> Any:
    for _ in range(1200):
        row = outbox_of.row(message_id)
        if row.state in states and reason in {None, row.reason}:
            return row
        time.sleep(0.05)
    return pytest.fail(f"it is {row.state} ({row.reason})")


def _let_rests_end(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE messages SET retry_at = NULL")


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_one_that_was_suspended_calls_nobody_who_said_stop_meanwhile(
    store: Store, outbox_of: Any, line: Any, point: str
) -> None:
    (message_id,) = outbox_of.put()
    row = outbox_of.row(message_id)
    _suspend(line, point)
    assert outbox_of.row(message_id).state == "calling"
    with store.write() as connection:
        consent.stop(
            connection, address_hash=row.address_hash, channel="sms", at=line.clock.now(), source="test"
        )
    time.sleep(LONGER)
    line.go_on()
    back = _until(outbox_of, message_id, {"queued", "accepted", "done"})
    assert (back.state, back.reason) == ("queued", "not_called")
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["not_made"]
    _let_rests_end(store)
    assert _until(outbox_of, message_id, {"skipped", "accepted", "done"}).reason in {
        "suppressed",
        "opted_out",
    }
    assert line.seen() == {}


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before_call", "before_bytes:2"])
def test_one_that_was_suspended_does_not_call_after_somebody_else_has(
    store: Store, outbox_of: Any, line: Any, point: str
) -> None:
    """Its lease ran out, the provider had nothing, another dispatcher sent it: then it goes on."""
    (message_id,) = outbox_of.put(message_class="transactional")
    body = outbox_of.row(message_id).body
    _suspend(line, point)
    time.sleep(LONGER)
    dispatch_once(store, line.senders, line.clock)
    assert reconcile(store, line.senders, line.clock, grace=timedelta(0)).requeued == 1
    assert dispatch_once(store, line.senders, line.clock).accepted == 1
    line.go_on()
    for _ in range(1200):
        if outbox_of.attempts(message_id)[0].outcome == "not_made":
            break
        time.sleep(0.05)
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["not_made", "accepted"]
    assert outbox_of.row(message_id).state in {"accepted", "done"}
    assert line.seen() == {body: 1}


@pytest.mark.slow
def test_one_that_was_suspended_into_the_night_waits_for_the_morning(
    store: Store, outbox_of: Any, line: Any
) -> None:
    (message_id,) = outbox_of.put()
    _suspend(line, "before_call")
    time.sleep(LONGER)
    line.go_on()
    assert _until(outbox_of, message_id, {"queued", "accepted", "done"}).reason == "not_called"
    line.kill()
    pin_clock(line.home, line.clock.now().replace(hour=23))
    _let_rests_end(store)
    line.start()
    _until(outbox_of, message_id, {"queued", "accepted", "done"}, "quiet_hours")
    assert line.seen() == {}


@pytest.mark.slow
def test_what_becomes_unknown_while_its_caller_stands_still_goes_again_on_the_callers_word(
    store: Store, outbox_of: Any, line: Any
) -> None:
    """Marketing that the provider does not have would wait for a person; who knows that it never called says so."""
    (message_id,) = outbox_of.put()
    _suspend(line, "before_call")
    time.sleep(LONGER)
    dispatch_once(store, line.senders, line.clock)
    reconcile(store, line.senders, line.clock, grace=timedelta(0))
    assert outbox_of.row(message_id).reason == "not_on_record"
    line.go_on()
    _until(outbox_of, message_id, {"queued"})
    _let_rests_end(store)
    _until(outbox_of, message_id, {"accepted", "done"})
    assert sum(line.seen().values()) == 1


@pytest.mark.slow
def test_one_that_was_suspended_for_a_moment_calls_as_if_nothing_had_been(
    store: Store, outbox_of: Any, line: Any
) -> None:
    (message_id,) = outbox_of.put()
    _suspend(line, "before_call")
    line.go_on()
    _until(outbox_of, message_id, {"accepted", "done"})
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["accepted"]
