"""Dispatching: all that may go goes once, what came of it is written down, halts are obeyed at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update

from data_contracts.errors import StoreError
from messaging import outbox
from messaging.clock import Clock
from messaging.consent import MERGES_UNKNOWN, KnownAs, stop
from messaging.consent_chain import ConsentEvent, append
from messaging.dispatch import DispatchReport, dispatch_once, run_dispatcher
from messaging.quiet_hours import read_quiet_rules
from messaging.reconcile import Settling, reconcile
from messaging.senders.base import OutboundMessage, Rejected, Unknown
from messaging.store import Store
from messaging.store.tables import campaign_runs, contract_status

NIGHT = Clock(datetime.fromisoformat("2026-10-30T22:30"))
MORNING = Clock(datetime.fromisoformat("2026-10-31T09:00"))
NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
GRANT = {
    "purpose": "marketing",
    "legal_basis": "consent",
    "action": "grant",
    "occurred_at": NOW.now() - timedelta(days=30),
    "source": "test",
    "actor": "test",
    "method": "form",
}


def test_what_may_go_goes_once_and_its_run_is_done(store: Store, outbox_of: Any, provider: Any) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(40, run_id=run_id)
    report = dispatch_once(store, {"sms": provider}, NOW)
    assert report == DispatchReport(accepted=40)
    assert sorted(one.message_id for one in provider.accepted) == sorted(ids)
    assert outbox_of.states() == {"accepted": 40}
    with store.read() as connection:
        assert connection.execute(text("SELECT state FROM campaign_runs")).scalar() == "done"
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    assert provider.calls == 40


def test_each_call_leaves_an_attempt_and_its_message_the_providers_id(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    dispatch_once(store, {"sms": provider}, NOW)
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert row.provider_sid == attempt.provider_sid == provider.records[0].sid
    assert (row.provider, row.provider_status, row.attempt_count) == ("twilio", "queued", 1)
    assert (row.calling_at, row.accepted_at, row.lease_owner) == (NOW.now(), NOW.now(), None)
    assert (attempt.outcome, attempt.number) == ("accepted", 1)
    assert attempt.finished_at >= attempt.started_at


def test_a_message_of_a_channel_without_a_sender_stays_queued(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(channel="whatsapp")
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    assert outbox_of.states() == {"queued": 1}


def test_marketing_waits_for_the_end_of_quiet_hours_and_then_goes(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    assert dispatch_once(store, {"sms": provider}, NIGHT).waiting == {"quiet_hours": 1}
    row = outbox_of.row(message_id)
    assert (row.state, row.reason, row.send_after) == ("queued", "quiet_hours", MORNING.now())
    assert row.detail == "It is 22:30 in London; marketing may arrive from Saturday 09:00."
    assert dispatch_once(store, {"sms": provider}, NIGHT) == DispatchReport()
    assert dispatch_once(store, {"sms": provider}, MORNING).accepted == 1
    assert outbox_of.row(message_id).reason is None


def test_a_receipt_goes_in_the_night_and_without_marketing_consent(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(consent=False, message_class="transactional", purpose="service")
    assert dispatch_once(store, {"sms": provider}, NIGHT).accepted == 1


def test_a_consent_withdrawn_after_planning_skips_the_message_with_its_sentence(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    (message_id,) = outbox_of.put()
    with store.write() as connection:
        at = NOW.now() - timedelta(hours=1)
        stop(
            connection,
            address_hash=addresses.hash("+442079469999"),  # another phone of the same person
            channel="sms",
            at=at,
            source="test",
            customer_ids=["cus_0"],
        )
    assert dispatch_once(store, {"sms": provider}, NOW).skipped == {"opted_out": 1}
    row = outbox_of.row(message_id)
    assert (row.state, row.detail) == (
        "skipped",
        "This customer opted out of marketing by SMS on 30 October 2026.",
    )
    assert provider.calls == 0


def test_an_opt_out_under_the_id_that_a_person_got_after_planning_stops_the_message(
    store: Store, outbox_of: Any, provider: Any, addresses: Any
) -> None:
    (message_id,) = outbox_of.put()
    merged = dict.fromkeys(("cus_0", "cus_new"), KnownAs(("cus_0", "cus_new")))
    with store.write() as connection:
        other = addresses.hash("+442079469999")  # another phone of the same person
        said: dict[str, Any] = {"channel": "sms", "at": NOW.now(), "source": "test"}
        stop(connection, address_hash=other, customer_ids=["cus_new"], **said)
    report = dispatch_once(store, {"sms": provider}, NOW, merges=lambda: merged)
    assert report == DispatchReport(skipped={"opted_out": 1})
    assert outbox_of.row(message_id).state == "skipped"


def test_a_consent_given_under_an_earlier_id_still_holds_when_the_message_goes(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    outbox_of.put(consent=False, customer_id="cus_new")
    with store.write() as connection:
        append(connection, [ConsentEvent(customer_id="cus_old", channel="sms", **GRANT)], NOW.now())
    merged = {"cus_new": KnownAs(("cus_new", "cus_old"))}
    assert dispatch_once(store, {"sms": provider}, NOW, merges=lambda: merged).accepted == 1


def test_two_ids_that_became_one_person_share_a_cap(store: Store, outbox_of: Any, provider: Any) -> None:
    merged = dict.fromkeys(("cus_0", "cus_1"), KnownAs(("cus_0", "cus_1")))
    for _ in range(2):
        outbox_of.put(2)
    report = dispatch_once(store, {"sms": provider}, NOW, merges=lambda: merged)
    assert (report.accepted, report.skipped) == (2, {"frequency_cap": 2})


def test_two_campaigns_in_one_batch_do_not_break_a_persons_cap(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    for _ in range(5):
        outbox_of.put(3)
    report = dispatch_once(store, {"sms": provider}, NOW)
    assert (report.accepted, report.skipped) == (6, {"frequency_cap": 9})
    assert sorted(one.to for one in provider.accepted) == sorted(
        [f"+4420794{60000 + number}" for number in range(3)] * 2
    )


def test_a_campaigns_own_cap_is_kept_too(store: Store, outbox_of: Any, provider: Any) -> None:
    strict = {"caps": {"sms": {"messages": 1, "days": 30}}, "expires_after_days": 30}
    outbox_of.put()
    dispatch_once(store, {"sms": provider}, NOW)
    outbox_of.put(run_id=outbox_of.run(content=strict))
    report = dispatch_once(store, {"sms": provider}, Clock(NOW.now() + timedelta(days=20)))
    assert report.skipped == {"frequency_cap": 1}


def test_red_data_lets_a_campaign_wait_but_not_a_receipt(store: Store, outbox_of: Any, provider: Any) -> None:
    with store.write() as connection:
        red = {"state": "red", "checked_at": NOW.now(), "rows_checked": 9, "rows_quarantined": 9}
        connection.execute(insert(contract_status).values(table_name="purchases", **red))
    outbox_of.put(run_id=outbox_of.run())
    outbox_of.put(first=1, message_class="transactional")
    outbox_of.put(first=2, run_id=outbox_of.run(content={"tables": ["contacts"]}))
    report = dispatch_once(store, {"sms": provider}, NOW)
    assert (report.accepted, report.waiting) == (2, {"contract_red": 1})


@pytest.mark.parametrize("state", ["planned", "approved", "paused"])
def test_nothing_of_a_run_that_does_not_run_goes(
    store: Store, outbox_of: Any, provider: Any, state: str
) -> None:
    outbox_of.put(3, run_id=outbox_of.run(state))
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    assert outbox_of.states() == {"queued": 3}


def test_a_pause_in_mid_run_ends_new_calls_at_once_and_a_resume_sends_the_rest(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    outbox_of.put(30, run_id=run_id)

    def pause(message: OutboundMessage) -> Any:
        with store.write() as connection:
            connection.execute(update(campaign_runs).values(state="paused"))
        return provider.accept(message)

    provider.answers = [pause]
    report = dispatch_once(store, {"sms": provider}, NOW, threads=2)
    assert report.called <= 3
    assert set(outbox_of.states()) == {"accepted", "queued"}
    with store.write() as connection:
        connection.execute(update(campaign_runs).values(state="running"))
    dispatch_once(store, {"sms": provider}, NOW)
    assert outbox_of.states() == {"accepted": 30}


def test_a_stopped_run_is_cancelled_and_never_called(store: Store, outbox_of: Any, provider: Any) -> None:
    run_id = outbox_of.run()
    outbox_of.put(3, run_id=run_id)
    with store.write() as connection:
        assert outbox.claim(connection, "other", 1, NOW.now(), channels=["sms"])
        connection.execute(update(campaign_runs).values(state="stopped"))
        assert outbox.cancel_run(connection, run_id, NOW.now()) == 3
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    assert outbox_of.states() == {"cancelled": 3}


def test_a_call_that_fails_after_its_run_was_stopped_is_not_made_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    (message_id,) = outbox_of.put(run_id=run_id)

    def stop_run(_: OutboundMessage) -> Any:
        with store.write() as connection:
            connection.execute(update(campaign_runs).values(state="stopped"))
            assert outbox.cancel_run(connection, run_id, NOW.now()) == 0
        return Rejected("retry", "Slow down.", code=20429, attempts=3)

    provider.answers = [stop_run]
    dispatch_once(store, {"sms": provider}, NOW)
    row = outbox_of.row(message_id)
    assert (row.state, row.reason) == ("cancelled", "stopped")


def test_a_failure_that_passes_is_tried_again_later_and_not_before(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Rejected("retry", "Slow down.", code=20429, retry_after=120, attempts=3)]
    assert dispatch_once(store, {"sms": provider}, NOW).retried == 1
    row, (attempt,) = outbox_of.row(message_id), outbox_of.attempts(message_id)
    assert (row.state, row.reason, row.error_code) == ("queued", "retry", 20429)
    assert timedelta(seconds=119) < row.retry_at - attempt.started_at < timedelta(seconds=130)
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    _let_time_pass(store)
    assert dispatch_once(store, {"sms": provider}, NOW).accepted == 1
    assert [one.outcome for one in outbox_of.attempts(message_id)] == ["rejected", "accepted"]


def test_a_failure_that_never_passes_fails_after_its_attempts(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Rejected("retry", "The phone is off.", code=30003, attempts=3)] * 9
    for _ in range(5):
        dispatch_once(store, {"sms": provider}, NOW)
        _let_time_pass(store)
    assert provider.calls == 3
    row = outbox_of.row(message_id)
    assert (row.state, row.error_code, row.detail) == ("failed", 30003, "The phone is off.")


def test_a_mistake_of_ours_fails_at_once_and_blocks_nobody(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Rejected("fix", "Too long. Shorten the template.", code=21617)]
    assert dispatch_once(store, {"sms": provider}, NOW).failed == 1
    assert outbox_of.row(message_id).detail == "Too long. Shorten the template."
    assert outbox_of.suppressions() == {}


def test_an_address_that_does_not_work_is_suppressed(store: Store, outbox_of: Any, provider: Any) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Rejected("stop", "A landline.", code=21635)]
    assert dispatch_once(store, {"sms": provider}, NOW).failed == 1
    assert outbox_of.suppressions() == {outbox_of.row(message_id).address_hash: "provider"}


def test_a_stop_that_only_the_provider_knew_becomes_an_opt_out_of_the_person(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Rejected("stop", "STOP.", code=21610, opt_out=True)]
    dispatch_once(store, {"sms": provider}, NOW)
    assert outbox_of.suppressions() == {outbox_of.row(message_id).address_hash: "stop"}
    outbox_of.put(consent=False)
    outbox_of.put(consent=False, address="+442079461234")
    assert dispatch_once(store, {"sms": provider}, NOW).skipped == {"suppressed": 1, "opted_out": 1}


def test_a_call_that_broke_off_leaves_its_message_unknown_and_is_not_made_again(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (message_id,) = outbox_of.put()
    provider.answers = [Unknown("No answer in time.")]
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == 1
    _let_time_pass(store)
    assert dispatch_once(store, {"sms": provider}, NOW) == DispatchReport()
    assert provider.calls == 1
    assert outbox_of.row(message_id).detail == "No answer in time. We do not know yet whether it was sent."


def test_a_sender_that_breaks_leaves_its_message_unknown_and_the_others_go(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    def break_off(_: OutboundMessage) -> Any:
        raise RuntimeError("a bug in a sender")

    outbox_of.put(5)
    provider.answers = [break_off]
    report = dispatch_once(store, {"sms": provider}, NOW)
    assert (report.accepted, report.unknown) == (4, 1)


def test_leases_of_a_dead_dispatcher_are_taken_over(store: Store, outbox_of: Any, provider: Any) -> None:
    claimed, called = outbox_of.put(2)
    with store.write() as connection:
        dead = "dead"
        outbox.claim(connection, dead, 2, NOW.now(), channels=["sms"], lease=timedelta(0))
        rules = read_quiet_rules()
        outbox.to_calling(connection, dead, [called], NOW.now(), rules=rules, lease=timedelta(0))
    report = dispatch_once(store, {"sms": provider}, NOW)
    assert (report.recovered, report.accepted) == (2, 1)
    assert [one.message_id for one in provider.accepted] == [claimed]
    assert outbox_of.row(called).state == "unknown"
    assert [one.outcome for one in outbox_of.attempts(called)] == ["unknown"]


@pytest.mark.parametrize("took", [True, False])
def test_a_commit_that_the_store_could_not_confirm_loses_no_call_and_makes_none_twice(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch, *, took: bool
) -> None:
    """The connection breaks while outcomes are committed: nobody can tell whether they were."""
    ids = outbox_of.put(12, message_class="transactional")
    provider.answers = [provider.accept] * 4 + [Unknown("No answer.")] + [provider.accept] * 3
    write, broken = store.write, []

    @contextmanager
    def breaking() -> Iterator[Connection]:
        with write() as connection:
            yield connection
            if provider.calls == 4 and not broken and not took:
                broken.append(1)
                raise StoreError("The connection broke before the commit.")
        if provider.calls == 4 and not broken:
            broken.append(1)
            raise StoreError("The connection broke after the commit.")

    monkeypatch.setattr(store, "write", breaking)
    dispatch_once(store, {"sms": provider}, NOW, threads=4, lease=timedelta(0))
    dispatch_once(store, {"sms": provider}, NOW)
    assert broken
    for _ in range(3):
        reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
        dispatch_once(store, {"sms": provider}, NOW)
    assert sorted(one.message_id for one in provider.accepted) == sorted(ids)
    assert outbox_of.states() == {"accepted": 12}


def test_a_call_that_ends_after_its_message_was_called_again_says_nothing_of_that(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    """A process that stood still for minutes comes back with a refusal while the message is called again."""
    (message_id,) = outbox_of.put(1, message_class="transactional")
    rules = read_quiet_rules()
    late = _call(store, "stuck", rules)
    dispatch_once(store, {}, NOW)  # takes over what the stuck one held
    reconcile(store, {"sms": provider}, NOW, grace=timedelta(0))
    _call(store, "second", rules)
    refused = Rejected("retry", "Slow down.", code=20429, attempts=5)
    with store.write() as connection:
        assert outbox.record_outcomes(connection, [(late, "twilio", refused)], NOW.now()) == ["calling"]
        late_silence = [(late, "twilio", Unknown("No answer."))]
        assert outbox.record_outcomes(connection, late_silence, NOW.now()) == ["calling"]
    assert outbox_of.row(message_id).lease_owner == "second"


def _call(store: Store, owner: str, rules: Any) -> outbox.Call:
    """Claim the only message and commit to its call, under a lease that has run out."""
    with store.write() as connection:
        ids = outbox.claim(connection, owner, 1, NOW.now(), channels=["sms"], lease=timedelta(0))
        lease = timedelta(0)
        (call,) = outbox.to_calling(connection, owner, ids, NOW.now(), rules=rules, lease=lease).calls
    return call


def test_a_dispatcher_that_is_told_to_end_finishes_its_calls_and_gives_the_rest_back(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    ended = threading.Event()

    def end(message: OutboundMessage) -> Any:
        ended.set()
        return provider.accept(message)

    outbox_of.put(50)
    provider.answers = [end]
    report = dispatch_once(store, {"sms": provider}, NOW, stop_event=ended, threads=4)
    assert outbox_of.states() == {"accepted": report.accepted, "queued": 50 - report.accepted}
    assert report.accepted < 10


def test_the_loop_sends_what_comes_later_and_ends_when_it_is_told(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    ended, found = threading.Event(), []
    loop = threading.Thread(
        target=lambda: found.append(run_dispatcher(store, {"sms": provider}, NOW, ended, poll_seconds=0.02))
    )
    loop.start()
    outbox_of.put(3)
    for _ in range(500):
        if outbox_of.states() == {"accepted": 3}:
            break
        ended.wait(0.02)
    ended.set()
    loop.join(10)
    assert found[0].accepted == 3


def _broken_off(store: Store, outbox_of: Any, provider: Any, count: int) -> list[str]:
    ids: list[str] = outbox_of.put(count)
    provider.answers = [Unknown("Broke off.")] * count
    assert dispatch_once(store, {"sms": provider}, NOW).unknown == count
    return ids


def test_a_dispatcher_that_is_told_to_end_asks_for_no_further_unknown_message(
    store: Store, outbox_of: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _broken_off(store, outbox_of, provider, 6)
    ended, asked = threading.Event(), []

    def slow(message: OutboundMessage, _: datetime) -> list[Any]:
        asked.append(message.message_id)
        ended.set()
        return []

    monkeypatch.setattr(provider, "find", slow)
    run_dispatcher(store, {"sms": provider}, NOW, ended, poll_seconds=0.01)
    assert len(asked) == 1


def test_a_provider_whose_list_is_slow_holds_no_other_message_up_and_each_has_its_turn(
    store: Store, outbox_of: Any, provider: Any, mail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = _broken_off(store, outbox_of, provider, 3)
    ended, asked, sent_before = threading.Event(), [], []

    def slow(message: OutboundMessage, _: datetime) -> list[Any]:
        sent_before.append(len(mail.accepted))
        number = len(asked)
        asked.append(message.message_id)
        if number < 4:
            receipt = {"message_class": "transactional", "purpose": "service"}
            outbox_of.put(first=100 + number, channel="email", address=f"ada{number}@example.com", **receipt)
        else:
            ended.set()
        return []

    monkeypatch.setattr(provider, "find", slow)
    senders, settling = {"sms": provider, "email": mail}, Settling(every=0, at_most=0)
    run_dispatcher(store, senders, NOW, ended, poll_seconds=0, settling=settling)
    assert asked == [*unknown, *unknown[:2]]
    assert sent_before == [0, 1, 2, 3, 4]


def test_progress_is_told_as_calls_end(store: Store, outbox_of: Any, provider: Any) -> None:
    outbox_of.put(20)
    told: list[int] = []
    dispatch_once(store, {"sms": provider}, NOW, on_progress=told.append)
    assert sum(told) == 20


def _let_time_pass(store: Store) -> None:
    """Make every rest end: the database's clock cannot be moved."""
    with store.write() as connection:
        connection.execute(text("UPDATE messages SET retry_at = NULL"))
        connection.execute(text("UPDATE sender_pace SET rest_until = NULL"))


def test_marketing_waits_and_a_receipt_goes_while_nobody_knows_which_ids_are_one_person(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    (offer,) = outbox_of.put()
    (receipt,) = outbox_of.put(message_class="transactional", purpose="service")
    report = dispatch_once(store, {"sms": provider}, NOW, merges=lambda: MERGES_UNKNOWN)
    assert (report.accepted, report.waiting["merges_unknown"]) == (1, 1)
    assert (outbox_of.row(receipt).state, outbox_of.row(offer).state) == ("accepted", "queued")
    assert outbox_of.row(offer).reason == "merges_unknown"
