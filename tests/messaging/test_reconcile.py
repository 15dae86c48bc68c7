"""Settling unknown messages: only evidence settles, and marketing is never repeated by itself."""
# ruff: noqa: RUF001 - characters that look like others are what some of it is about

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from data_contracts.errors import NotFoundError, RefusedError, ServiceError
from messaging import audit, consent, outbox
from messaging.clock import Clock
from messaging.consent import KnownAs
from messaging.dispatch import dispatch_once
from messaging.facts import Candidate, gather
from messaging.reconcile import ReconcileReport, decide, reconcile, unclear
from messaging.reconcile.matching import normal_form
from messaging.senders.base import OutboundMessage, Rejected, Unknown
from messaging.store import Store
from messaging.store.tables import messages

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


def test_a_record_that_may_be_a_twins_whose_call_is_under_way_proves_nothing_yet(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    values = {"address": "+442079460000", "body": "Your parcel is late.", **RECEIPT}
    lost = _break_off(store, outbox_of, provider, sent=False, **values)
    (twin,) = outbox_of.put(**values)
    with store.write() as connection:
        connection.execute(update(messages).where(messages.c.message_id == twin).values(state="calling"))
    provider.accept(OutboundMessage(twin, "sms", values["address"], values["body"]))
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(left=1)
    assert outbox_of.row(lost).state == "unknown"
    sid = provider.records[0].sid
    with store.write() as connection:
        told = update(messages).where(messages.c.message_id == twin)
        connection.execute(told.values(state="accepted", provider="twilio", provider_sid=sid))
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(requeued=1)


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


def test_what_waits_for_a_person_is_listed_with_what_we_asked_and_what_the_provider_has(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (other,) = outbox_of.put(**RECEIPT)
    dispatch_once(store, {"sms": provider}, NOW)
    same = outbox_of.row(other)
    message_id = _break_off(store, outbox_of, provider, sent=False, body=same.body)
    (young,) = unclear(store)
    assert (young.waits, young.look) == (False, None)
    for _ in range(2):
        reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    (each,) = unclear(store)
    assert (each.message_id, each.to, each.body, each.waits) == (message_id, same.address, same.body, True)
    assert [call["outcome"] for call in each.calls] == ["unknown"]
    assert each.look is not None
    assert (each.look.looks, each.look.on_record, each.look.same_text) == (2, 1, 1)
    assert each.look.sentence.endswith("which belong to other messages.")


@pytest.mark.parametrize(
    ("verdict", "state", "calls"),
    [("sent", "accepted", 1), ("not-sent", "queued", 2), ("dropped", "cancelled", 1)],
)
def test_a_person_decides_what_evidence_cannot_and_that_is_kept(
    store: Store, outbox_of: Any, provider: Any, verdict: Any, state: str, calls: int
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=False)
    how = {"reason": "I asked them.", "actor": "ann", "grace": timedelta(0)}
    decided = decide(store, {"sms": provider}, NOW, message_id, verdict, **how)
    assert (decided.state, outbox_of.row(message_id).state) == (state, state)
    dispatch_once(store, {"sms": provider}, NOW)
    assert provider.calls == calls
    with store.read() as connection:
        (entry,) = audit.newest(connection, 9, action="message.decide")
        kept = connection.execute(text("SELECT verdict, reason, decided_by FROM message_decisions")).one()
    assert (entry["actor"], entry["subject"], entry["detail"]) == ("ann", message_id, {"verdict": verdict})
    assert tuple(kept) == (verdict, "I asked them.", "ann")
    with pytest.raises(RefusedError):
        decide(store, {"sms": provider}, NOW, message_id, verdict, **how)


@pytest.mark.parametrize("verdict", ["sent", "dropped"])
@pytest.mark.parametrize(
    ("status", "code", "state"),
    [("delivered", None, "done"), ("undelivered", 30005, "failed"), ("sent", None, "accepted")],
)
def test_a_callback_that_names_the_message_outweighs_what_a_person_decided(
    store: Store, outbox_of: Any, provider: Any, verdict: Any, status: str, code: int | None, state: str
) -> None:
    """What was dropped had arrived and counted for no cap; what was taken as sent stayed so, and the dead address open."""
    message_id = _break_off(store, outbox_of, provider, sent=False)
    how = {"reason": "I asked them.", "actor": "ann", "grace": timedelta(0)}
    decide(store, {"sms": provider}, NOW, message_id, verdict, **how)
    named = outbox.StatusUpdate("twilio", "SM77", status, message_id, code)
    with store.write() as connection:
        assert (
            outbox.apply_status(connection, replace(named, sid="SM00", message_id=None), NOW.now())
            == "stored"
        )
        assert outbox.apply_status(connection, named, NOW.now()) == "applied"
    row = outbox_of.row(message_id)
    assert (row.state, row.provider_sid, row.reason) == (state, "SM77", "undelivered" if code else None)
    assert (row.done_at is None) == (state == "accepted")
    with store.read() as connection:
        blocked = consent.suppressed(connection, [row.address_hash], "sms")
        later = NOW.now() + timedelta(minutes=1)
        history = gather(connection, [_candidate(row)], later)["1"].sent
        entries = audit.newest(connection, 9, action="message.decide")
    assert bool(blocked) == (code is not None)
    assert bool(history) == (state != "failed")
    assert len(entries) == 1, "what the person said stays in the record"


def _candidate(row: Any) -> Candidate:
    """Give the next marketing message to the same person."""
    return Candidate("1", KnownAs((row.customer_id,)), "sms", row.address, row.address_hash)


def test_what_a_stopped_run_called_back_stays_so_whatever_is_said_of_it(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    (message_id,) = outbox_of.put(run_id=run_id)
    with store.write() as connection:
        outbox.cancel_run(connection, run_id, NOW.now())
        named = outbox.StatusUpdate("twilio", "SM77", "delivered", message_id)
        assert outbox.apply_status(connection, named, NOW.now()) == "stored"
    assert outbox_of.row(message_id).state == "cancelled"


def test_a_message_is_not_let_go_again_while_its_call_may_still_arrive_or_the_provider_has_it(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=True)
    how = {"reason": "It never came.", "actor": "ann"}
    with pytest.raises(RefusedError, match="may still arrive"):
        decide(store, {"sms": provider}, NOW, message_id, "not-sent", **how)
    with pytest.raises(RefusedError, match="it was sent"):
        decide(store, {"sms": provider}, NOW, message_id, "not-sent", **how, grace=timedelta(0))
    assert outbox_of.row(message_id).state == "accepted"
    assert dispatch_once(store, {"sms": provider}, NOW).called == 0
    with pytest.raises(NotFoundError):
        decide(store, {"sms": provider}, NOW, "msg_none", "sent", **how)


def test_what_a_provider_cannot_be_asked_for_waits_for_a_person_too(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=True, **RECEIPT)
    provider.can_find = False
    reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    (each,) = unclear(store)
    assert (each.message_id, each.reason, each.waits) == (message_id, "no_list", True)


def test_a_provider_is_not_asked_over_and_over_for_what_a_person_decides(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(store, outbox_of, provider, sent=False)
    reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    monkeypatch.setattr(provider, "find", lambda *_: pytest.fail("it was asked again"))
    assert reconcile(store, {"sms": provider}, NOW, again_after=timedelta(minutes=10)).left == 1


def _as_kept(provider: Any, body: str) -> None:
    """Have the provider keep its newest record with another text."""
    provider.records.append(replace(provider.records.pop(), body=body))


@pytest.mark.parametrize(
    ("ours", "kept"),
    [
        ("We’ll be “there” – soon… ½ off", 'We\'ll be "there" - soon... 1/2 off'),
        ("Your parcel is late. \n", "Your parcel is late."),
        ("Tab\there,\u00a0and no-break", "Tab       here,  and no-break"),
        ("‹Ｆｕｌｌ　ｗｉｄｔｈ› • «quoted» \u2060ʜɪ", '>Full  width< - "quoted" HI'),
    ],
)
def test_a_text_that_the_provider_changed_as_it_says_is_recognised(
    store: Store, outbox_of: Any, provider: Any, ours: str, kept: str
) -> None:
    message_id = _break_off(store, outbox_of, provider, sent=True, body=ours, **RECEIPT)
    _as_kept(provider, kept)
    assert reconcile(store, {"sms": provider}, NOW, grace=timedelta(0)) == ReconcileReport(sent=1)
    assert outbox_of.row(message_id).provider_sid == provider.records[0].sid


@pytest.mark.parametrize(
    ("one", "other"), [("Café", "Cafe"), ("Table 12", "Table 21"), ("10 €", "10 £"), ("no", "nö")]
)
def test_texts_that_say_another_thing_stay_apart(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize("resend_marketing", [False, True])
@pytest.mark.parametrize("values", [{}, RECEIPT])
def test_a_record_that_reads_otherwise_and_is_nobody_elses_is_for_a_person_to_compare(
    store: Store, outbox_of: Any, provider: Any, values: dict[str, Any], *, resend_marketing: bool
) -> None:
    message_id = _break_off(
        store, outbox_of, provider, sent=True, body="Track: https://shop.example.com/t/99", **values
    )
    _as_kept(provider, "Track: https://twil.io/a1")
    for _ in range(2):
        report = reconcile(
            store, {"sms": provider}, NOW, grace=timedelta(0), resend_marketing=resend_marketing
        )
        assert report == ReconcileReport(left=1)
    (each,) = unclear(store)
    assert (each.message_id, each.reason, each.waits) == (message_id, "other_text", True)
    assert dispatch_once(store, {"sms": provider}, NOW).called == 0


def test_a_record_of_another_message_of_ours_is_no_doubt_about_this_one(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    to = {"address": "+442079460000", **RECEIPT}
    outbox_of.put(body="The first…", **to)
    outbox_of.put(body="The second", **to)
    provider.answers = [provider.accept_and_break_off, Unknown("Broke off.")]
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == 2
    went = provider.records[0].body
    report = reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    assert report == ReconcileReport(sent=1, requeued=1)
    dispatch_once(store, {"sms": provider}, NOW)
    assert sorted([went, provider.records[-1].body]) == ["The first…", "The second"]
