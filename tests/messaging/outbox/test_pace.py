"""How fast senders go: a rate that all dispatchers share, a provider that asks for rest, a sender that is left alone."""

import threading
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.senders.base import Rejected, Unknown
from messaging.senders.rates import Rates
from messaging.store import Store
from messaging.store.tables import messages
from messaging.store.tables_delivery import sender_pace

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
RECEIPT = {"message_class": "transactional", "purpose": "service"}
MAIL = {"channel": "email", "subject": "Hello", **RECEIPT}


def test_two_dispatchers_together_stay_below_a_senders_rate(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    rate, count = 25.0, 35
    ids = outbox_of.put(count, **RECEIPT)
    rates = Rates({"sms": rate})
    both = [
        threading.Thread(target=dispatch_once, args=(store, {"sms": provider}, NOW), kwargs={"rates": rates})
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(one.message_id for one in provider.accepted) == sorted(ids)
    began = sorted(outbox_of.attempts(one)[0].started_at for one in ids)
    early = [
        number
        for number, at in enumerate(began)
        if (at - began[0]).total_seconds() < (number + 1) / rate - outbox.BURST - 0.05
    ]
    assert early == [], "beyond one second's worth, each waits for its turn"


def test_a_long_text_takes_as_much_of_a_rate_as_it_has_segments(store: Store, outbox_of: Any) -> None:
    outbox_of.put(4, segment_count=10, **RECEIPT)
    rates = Rates({"sms": 10.0})
    with store.write() as connection:
        rows = connection.execute(select(messages).order_by(messages.c.message_id)).all()
        held = outbox.admit(connection, rates, rows)
        assert held == {row.message_id for row in rows[1:]}
        assert outbox.admit(connection, Rates({"sms": 10.0}, {"sms": "+15550001111"}), rows[:1]) == set()


def test_a_provider_that_asks_for_rest_slows_that_sender_alone(
    store: Store, outbox_of: Any, provider: Any, mail: Any
) -> None:
    outbox_of.put(30, **RECEIPT)
    outbox_of.put(30, first=30, **MAIL)
    provider.answers = [
        Rejected("retry", "Slow down.", code=20429, http_status=429, retry_after=300, attempts=3)
    ]
    report = dispatch_once(store, {"sms": provider, "email": mail}, NOW, threads=4)
    assert len(mail.accepted) == 30
    assert provider.calls <= 8, "what was under way ended, and nothing more began"
    assert report.retried == 1
    before = provider.calls
    assert dispatch_once(store, {"sms": provider, "email": mail}, NOW).called == 0
    assert provider.calls == before, "the other dispatchers go by it too"
    with store.write() as connection:
        connection.execute(text("UPDATE sender_pace SET rest_until = NULL"))
        connection.execute(text("UPDATE messages SET retry_at = NULL"))
    dispatch_once(store, {"sms": provider, "email": mail}, NOW)
    assert len(provider.accepted) == 30


def test_what_was_claimed_before_a_provider_asked_for_rest_rests_as_well(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(4, **RECEIPT)
    slow = Rejected("retry", "Slow down.", code=20429, http_status=429, retry_after=300, attempts=3)
    provider.answers = [slow] * 4
    dispatch_once(store, {"sms": provider}, NOW, threads=1)  # two are claimed at a time
    assert provider.calls == 1
    assert outbox_of.states() == {"queued": 4}


def test_a_short_rest_is_waited_for(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put(10, **RECEIPT)
    provider.answers = [Rejected("retry", "Slow down.", http_status=429, attempts=3)]
    report = dispatch_once(store, {"sms": provider}, NOW, threads=1)
    assert (report.accepted, report.retried) == (9, 1)


def test_a_sender_whose_calls_tell_nothing_is_left_alone_tried_once_and_taken_up_again(
    store: Store, outbox_of: Any, provider: Any, mail: Any
) -> None:
    senders = {"sms": provider, "email": mail}
    outbox_of.put(30, **RECEIPT)
    outbox_of.put(5, first=30, **MAIL)
    provider.answers = [Unknown("No answer in time.")] * 7
    report = dispatch_once(store, senders, NOW, threads=1)
    assert provider.calls == 6, "five, and the one that was committed to as the fifth was written down"
    assert len(mail.accepted) == 5
    assert list(report.resting) == ["sms"]
    assert report.resting["sms"].endswith("No answer in time.")

    _end_rest(store)
    dispatch_once(store, senders, NOW, threads=8)
    assert provider.calls == 7, "one tries it, whatever else waits"
    with store.read() as connection:
        row = connection.execute(select(sender_pace)).one()
    assert row.open_seconds == 60
    assert row.open_until > row.opened_at

    _end_rest(store)
    report = dispatch_once(store, senders, NOW, threads=8)
    assert (report.accepted, report.resting) == (23, {})


def test_failures_that_are_not_in_a_row_leave_a_sender_alone_never(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(40, **RECEIPT)
    provider.answers = [Unknown("No answer."), *[provider.accept] * 3] * 10
    report = dispatch_once(store, {"sms": provider}, NOW, threads=1)
    assert (report.accepted, report.unknown, report.resting) == (30, 10, {})


def test_what_was_under_way_when_a_sender_was_left_alone_does_not_make_it_longer(store: Store) -> None:
    rates = Rates(failures=3, rest=timedelta(seconds=30))
    broken = ("sms", Rejected("retry", "The provider could not be reached.", attempts=8))
    with store.write() as connection:
        (tripped,) = outbox.hear(connection, rates, [broken] * 20)
        assert tripped.failures == 3
        assert outbox.hear(connection, rates, [broken] * 20) == []
        assert connection.execute(select(sender_pace.c.open_seconds)).scalar() == 30


def test_that_single_messages_are_refused_tells_nothing_against_their_sender(store: Store) -> None:
    refused = [("sms", Rejected("stop", "A landline.", code=21635, http_status=400))] * 20
    ours = [("sms", Rejected("fix", "No number."))] * 20
    with store.write() as connection:
        assert outbox.hear(connection, Rates(), refused + ours) == []
        assert outbox.left_alone(connection) == []


def _end_rest(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE sender_pace SET open_until = opened_at"))
