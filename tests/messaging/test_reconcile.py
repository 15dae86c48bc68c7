"""Settling unknown messages: only evidence settles, and marketing is never repeated by itself."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from data_contracts.errors import ServiceError
from messaging import outbox
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.reconcile import ReconcileReport, reconcile
from messaging.senders.base import OutboundMessage, Rejected, Unknown
from messaging.store import Store

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
RECEIPT = {"message_class": "transactional", "purpose": "service"}


def _run_state(store: Store) -> str:
    with store.read() as connection:
        return str(connection.execute(text("SELECT state FROM campaign_runs")).scalar_one())


def _break_off(store: Store, outbox_of: Any, provider: Any, *, sent: bool, **values: Any) -> str:
    (message_id,) = outbox_of.put(**values)
    provider.answers = [provider.accept_and_break_off if sent else Unknown("Broke off.")]
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == 1
    return str(message_id)


@pytest.mark.parametrize("values", [{}, RECEIPT])
def test_what_the_provider_has_on_record_was_sent(
    store: Store, outbox_of: Any, provider: Any, values: dict[str, Any]
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=True, **values)
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport(sent=1)
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert (row.state, row.provider_sid, row.reason) == ("accepted", provider.records[0].sid, None)
    assert (attempt.outcome, attempt.provider_sid) == ("accepted", provider.records[0].sid)
    assert dispatch_once(store, {"sms": provider}, NOW).called == 0


def test_a_receipt_that_the_provider_has_not_goes_again_after_the_grace(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=False, **RECEIPT)
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport(left=1)
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(requeued=1)
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["unknown", "accepted"]


def test_marketing_that_the_provider_has_not_waits_for_a_person(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=False)
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(left=1)
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == ("unknown", "not_on_record")
    decided = reconcile(store, {"sms": provider}, NOW, grace=timedelta(0), resend_marketing=True)
    assert decided == ReconcileReport(requeued=1)
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1


def test_what_goes_again_goes_although_its_run_was_done(store: Store, outbox_of: Any, provider: Any) -> None:
    run_id = outbox_of.run()
    message_id = _break_off(store, outbox_of, provider, sent=False, run_id=run_id)
    assert _run_state(store) == "done"
    decided = reconcile(store, {"sms": provider}, NOW, grace=timedelta(0), resend_marketing=True)
    assert (decided, _run_state(store)) == (ReconcileReport(requeued=1), "running")
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    assert (outbox_of.row(message_id).state, _run_state(store)) == ("accepted", "done")


def test_what_goes_again_is_called_back_where_its_run_was_stopped(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=False, run_id=outbox_of.run())
    with store.write() as connection:
        connection.execute(text("UPDATE campaign_runs SET state = 'stopped'"))
    decided = reconcile(store, {"sms": provider}, NOW, grace=timedelta(0), resend_marketing=True)
    assert decided == ReconcileReport(left=1)
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == ("cancelled", "stopped")


def test_two_messages_with_one_text_are_told_apart_by_the_providers_ids(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    values = {"address": "+442079460000", "body": "Your parcel is late.", **RECEIPT}
    outbox_of.put(3, **values)
    provider.answers = [
        provider.accept_and_break_off,
        Unknown("Broke off."),
        provider.accept_and_break_off,
    ]
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == 3
    report = reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    assert report == ReconcileReport(sent=2, requeued=1)
    dispatch_once(store, {"sms": provider}, NOW)
    assert len(provider.accepted) == 3
    with store.read() as connection:
        assert connection.execute(text("SELECT count(DISTINCT provider_sid) FROM messages")).scalar() == 3


@pytest.mark.parametrize(
    "values",
    [{"body": "Another text"}, {"address": "+442079461111"}],
)
def test_another_text_or_number_is_no_evidence(
    store: Store, outbox_of: Any, provider: Any, values: dict[str, Any]
) -> None:
    plain = {"address": "+442079460000", "body": "This text", **RECEIPT}
    other = OutboundMessage("msg_x", "sms", to="+442079460000", body="This text")
    provider.accept(
        OutboundMessage("msg_x", "sms", values.get("address", other.to), values.get("body", other.body))
    )
    _break_off(store, outbox_of, provider, sent=False, **plain)
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport(left=1)


def test_what_the_provider_took_long_before_the_call_is_no_evidence(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message = OutboundMessage("msg_x", "sms", "+442079460000", "This text")
    provider.accept(message)
    old = provider.records.pop()
    provider.records.append(type(old)(old.sid, old.to, old.body, old.status, NOW.now() - timedelta(days=1)))
    _break_off(store, outbox_of, provider, sent=False, address=message.to, body=message.body, **RECEIPT)
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport(left=1)


def test_a_callback_settles_an_unknown_message_by_itself(store: Store, outbox_of: Any, provider: Any) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=True)
    said = outbox.StatusUpdate("twilio", provider.records[0].sid, "delivered", message_id)
    with store.write() as connection:
        assert outbox.apply_status(connection, said, NOW.now()) == "applied"
    assert outbox_of.row(message_id).state == "done"
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport()


def test_a_late_callback_stops_a_message_that_was_put_back(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=False, **RECEIPT)
    reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    assert outbox_of.row(message_id).state == "queued"
    with store.write() as connection:
        outbox.apply_status(
            connection, outbox.StatusUpdate("twilio", "SMlate", "sent", message_id), NOW.now()
        )
    assert dispatch_once(store, {"sms": provider}, NOW).called == 0
    assert outbox_of.row(message_id).state == "accepted"


def test_a_provider_that_cannot_be_asked_settles_nothing(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(store, outbox_of, provider, sent=False, **RECEIPT)

    def unavailable(*_: object) -> Any:
        raise ServiceError("It does not answer.")

    monkeypatch.setattr(provider, "find", unavailable)
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(left=1)


def test_a_provider_without_a_list_settles_nothing(store: Store, outbox_of: Any, provider: Any) -> None:
    _break_off(store, outbox_of, provider, sent=False, **RECEIPT)
    provider.can_find = False
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(left=1)


def test_a_refusal_is_no_unknown(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put()
    provider.answers = [Rejected("fix", "No.", code=21617)]
    dispatch_once(store, {"sms": provider}, NOW)
    assert reconcile(store, {"sms": provider}, NOW) == ReconcileReport()
