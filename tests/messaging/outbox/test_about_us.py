"""What is about us, or never left us, costs no message and no try; a sender that is refused whatever it sends is left alone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.links import read_links
from messaging.notifications.rules import breakers_tripped
from messaging.senders.base import Rejected
from messaging.senders.rates import Rates
from messaging.senders.smtp import Mailbox, SmtpSender
from messaging.senders.twilio import TwilioSender
from messaging.senders.twilio_account import TwilioAccount
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import messages
from messaging.store.tables_delivery import sender_pace
from messaging.store.times import database_now

NIGHT = 40  # times that a breaker tries a sender again in a night without its provider


def _twilio(url: str) -> TwilioSender:
    return TwilioSender(TwilioAccount("AC" + "1" * 32, "token", url, "https://h.example.com", "+15005550006"))


def _let_it_be_tried(store: Store) -> None:
    """Let the time pass after which the breaker lets one call through, and messages may be tried."""
    with store.write() as connection:
        past = {"open_until": database_now(connection) - timedelta(seconds=1)}
        connection.execute(update(sender_pace).values(past))
        connection.execute(update(messages).values(retry_at=None))


@pytest.mark.parametrize(
    "refusal", [(400, {"code": 30002, "status": 400}), (400, {"code": 21212}), (403, {})]
)
def test_an_account_that_is_suspended_costs_no_message_and_its_owner_is_told(
    store: Store, outbox_of: Any, wire: Any, clock: Clock, refusal: tuple[int, dict[str, Any]]
) -> None:
    run_id = outbox_of.run()
    outbox_of.put(40, run_id=run_id)
    wire.faults = [refusal] * 1000
    report = dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert report.failed == 0
    assert outbox_of.states() == {"queued": 40}
    assert len(wire.requests) < 40
    with store.read() as connection:
        (finding,) = breakers_tripped(outbox.left_alone(connection))
    assert "refuse" in finding.sentence or "suspended" in finding.sentence or "number" in finding.sentence
    wire.faults = []
    _let_it_be_tried(store)
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert outbox_of.states() == {"accepted": 40}


def test_a_night_without_the_provider_loses_no_message(
    store: Store, outbox_of: Any, wire: Any, clock: Clock
) -> None:
    outbox_of.put(3)
    away = _twilio("http://127.0.0.1:1")
    for _ in range(NIGHT):
        assert dispatch_once(store, {"sms": away}, clock).failed == 0
        _let_it_be_tried(store)
    assert outbox_of.states() == {"queued": 3}
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert outbox_of.states() == {"accepted": 3}


def test_tries_that_never_left_us_are_not_counted_among_those_of_a_code_that_passes(
    store: Store, outbox_of: Any, wire: Any, clock: Clock
) -> None:
    (message_id,) = outbox_of.put()
    for _ in range(6):
        dispatch_once(store, {"sms": _twilio("http://127.0.0.1:1")}, clock, rates=Rates(failures=100))
        _let_it_be_tried(store)
    wire.faults = [(400, {"code": 30008})]  # twice in all
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert outbox_of.row(message_id).state == "queued"


def test_a_mail_server_that_is_away_or_refuses_us_loses_no_mail(
    store: Store, outbox_of: Any, clock: Clock, settings: Settings
) -> None:
    outbox_of.put(2, channel="email", address="ada@example.com", subject="Hello")
    away = SmtpSender(Mailbox("smtp://127.0.0.1:1", "us@example.com", "Acme"), read_links(settings))
    for _ in range(NIGHT):
        dispatch_once(store, {"email": away}, clock)
        _let_it_be_tried(store)
    assert outbox_of.states() == {"queued": 2}


def test_the_refused_messages_of_a_run_go_again_by_their_code_in_lots(
    store: Store, outbox_of: Any, wire: Any, clock: Clock
) -> None:
    run_id = outbox_of.run()
    outbox_of.put(6, run_id=run_id)
    wire.faults = [(400, {"code": code}) for code in (30007, 30007, 30007, 21617, 21617, 21614)]
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    outbox_of.put(1, first=10, run_id=outbox_of.run())
    wire.faults = [(400, {"code": 30007})]
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert outbox_of.states() == {"failed": 7}
    with store.write() as connection:
        assert len(outbox.retry_run(connection, run_id, 30007, clock.now(), 2)) == 2
        assert len(outbox.retry_run(connection, run_id, 30007, clock.now(), 2)) == 1
        assert outbox.retry_run(connection, run_id, 30007, clock.now(), 2) == []
        assert outbox.counts(connection) == {"queued": 3, "failed": 4}
        assert len(outbox.retry_run(connection, run_id, None, clock.now(), 9)) == 2  # not the landline
    dispatch_once(store, {"sms": _twilio(wire.url)}, clock)
    assert outbox_of.states() == {"accepted": 5, "failed": 2}


def outbox_of_states(connection: Any) -> dict[str, int]:
    return outbox.counts(connection)


def test_a_message_that_was_tried_a_thousand_times_rests_for_an_hour_and_ends_no_dispatcher(
    store: Store, outbox_of: Any, provider: Any, clock: Clock
) -> None:
    (message_id,) = outbox_of.put()
    with store.write() as connection:
        connection.execute(update(messages).values(attempt_count=2000))
        today = database_now(connection)
    provider.answers = [Rejected("fix", "The provider refused our credentials.", 20003, 401, about="us")]
    dispatch_once(store, {"sms": provider}, clock)
    row = outbox_of.row(message_id)
    assert row.state == "queued"
    assert timedelta(minutes=59) < row.retry_at - today < timedelta(minutes=61)
