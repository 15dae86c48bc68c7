"""A campaign that does harm is paused by itself, tells why, and goes on only by a person's word; on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from messaging import audit, consent
from messaging.clock import Clock
from messaging.deliverability import Breaker, Tolerance, halt_harmful, let_go_on, standing_halts
from messaging.deliverability.breaker import count
from messaging.dispatch import dispatch_once
from messaging.senders.base import Rejected
from messaging.store import Store
from messaging.store.tables import campaign_runs

NOON = datetime.fromisoformat("2026-10-30T12:00")
LATER = Clock(NOON + timedelta(minutes=30))
TOLERANCE = Tolerance(20, {"sms": {"bounced": 0.10, "complained": 0.003, "opted_out": 0.05}})


def state_of(store: Store, run_id: str) -> str:
    with store.read() as connection:
        state: str = connection.execute(
            select(campaign_runs.c.state).where(campaign_runs.c.run_id == run_id)
        ).scalar_one()
        return state


def reopen(store: Store) -> None:
    """Let runs be under way whose messages have all gone, as those are that still wait for an hour."""
    with store.write() as connection:
        connection.execute(campaign_runs.update().values(state="running"))


def hears_no(store: Store, outbox_of: Any, ids: list[str], reason: str, at: datetime) -> None:
    """Suppress the addresses of messages, as the receiver and the provider's codes do."""
    with store.write() as connection:
        for message_id in ids:
            row = outbox_of.row(message_id)
            where = {"address_hash": row.address_hash, "channel": "sms", "at": at, "source": "test"}
            if reason == "stop":
                consent.stop(connection, **where, customer_ids=[row.customer_id], method="keyword")
            else:
                consent.suppress(connection, **where, reason=reason)


@pytest.mark.parametrize(
    ("reason", "number", "words"),
    [
        (
            "stop",
            8,
            "8 of 40 text messages (20.0 %) made their readers opt out; more than 5 % is not tolerated.",
        ),
        ("bounce", 12, "came back, as nobody is at their address"),
        ("complaint", 4, "were reported as spam"),
    ],
)
def test_a_harmful_campaign_is_paused_and_nothing_more_goes(
    store: Store, outbox_of: Any, provider: Any, reason: str, number: int, words: str
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(40, run_id=run_id)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    reopen(store)
    hears_no(store, outbox_of, ids[:number], reason, NOON + timedelta(minutes=5))
    more = outbox_of.put(5, first=100, run_id=run_id)
    dispatch_once(store, {"sms": provider}, LATER, breaker=Breaker(TOLERANCE))
    assert provider.calls == 40
    assert {outbox_of.row(one).state for one in more} == {"queued"}
    assert state_of(store, run_id) == "paused"
    with store.read() as connection:
        assert words in standing_halts(connection)[run_id].sentence
        entries = audit.newest(connection, 10, action="campaign.paused")
    assert [(each["actor"], each["subject"], each["detail"]["messages"]) for each in entries] == [
        ("rapport", run_id, number)
    ]


def test_what_happened_before_the_message_or_to_others_is_not_its_fault(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(30, run_id=run_id)
    receipts = outbox_of.put(30, first=100, run_id=run_id, message_class="transactional", purpose="service")
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    reopen(store)
    hears_no(store, outbox_of, ids[:10], "bounce", NOON - timedelta(days=1))
    hears_no(store, outbox_of, receipts, "bounce", NOON + timedelta(minutes=1))
    assert halt_harmful(store, LATER, TOLERANCE) == []
    with store.read() as connection:
        [counted] = count(connection, run_id)
    assert (counted.answered, counted.bounced) == (30, 0)


def test_who_had_told_the_provider_stop_before_was_not_driven_away_by_this_campaign(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    outbox_of.put(40, run_id=run_id)
    refused = Rejected("stop", "The customer told the provider STOP.", 21610, 400, opt_out=True)
    provider.answers = [refused] * 10
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    reopen(store)
    assert set(outbox_of.suppressions().values()) == {"stop"}
    assert halt_harmful(store, LATER, TOLERANCE) == []
    with store.read() as connection:
        [counted] = count(connection, run_id)
    assert (counted.answered, counted.opted_out) == (40, 0)


def test_a_run_that_a_person_lets_go_on_is_judged_by_what_comes_then(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(30, run_id=run_id)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    reopen(store)
    hears_no(store, outbox_of, ids[:10], "stop", NOON + timedelta(minutes=1))
    assert [halt.run_id for halt in halt_harmful(store, LATER, TOLERANCE)] == [run_id]
    assert halt_harmful(store, LATER, TOLERANCE) == []  # once
    with store.write() as connection:
        let_go_on(connection, run_id, "alice", "the list was bought by mistake and is mended", LATER.now())
    reopen(store)
    assert halt_harmful(store, LATER, TOLERANCE) == []
    again = outbox_of.put(30, first=200, run_id=run_id)
    later = Clock(LATER.now() + timedelta(minutes=10))
    dispatch_once(store, {"sms": provider}, later, breaker=Breaker(TOLERANCE))
    assert state_of(store, run_id) == "done"
    reopen(store)
    hears_no(store, outbox_of, again[:10], "stop", later.now() + timedelta(minutes=1))
    [halt] = halt_harmful(store, later, TOLERANCE)
    assert halt.sentence.startswith("10 of 30 ")


def test_one_person_among_few_pauses_nothing(store: Store, outbox_of: Any, provider: Any) -> None:
    run_id = outbox_of.run()
    ids = outbox_of.put(19, run_id=run_id)
    dispatch_once(store, {"sms": provider}, Clock(NOON))
    reopen(store)
    hears_no(store, outbox_of, ids, "stop", NOON + timedelta(minutes=1))
    assert halt_harmful(store, LATER, TOLERANCE) == []
