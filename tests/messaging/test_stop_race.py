"""A STOP against running batches: once it is committed, no call to that address or person on that channel is."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from messaging import consent
from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.facts import gather
from messaging.outbox import intent
from messaging.store import Store
from messaging.store.tables import attempts, messages

NOW = Clock(datetime.fromisoformat("2026-10-30T12:00"))
FULL = os.environ.get("RAPPORT_SOAK") == "1"  # what `make soak` runs; else as much as everybody can wait for
BATCH, BATCHES, STOPS = (500, 3, 700) if FULL else (100, 3, 140)
STOPPERS = 4  # that write at once
SENDERS = 8
LATENCY = 0.02  # seconds that a call to the provider takes
WINDOW = (
    0.01  # seconds between what the gate read and its commit, where a STOP without locks would slip through
)


def called(store: Store, customer_id: str) -> set[str]:
    """Give the calls to somebody whose intent is committed."""
    rows = select(attempts.c.attempt_id).join(messages, messages.c.message_id == attempts.c.message_id)
    with store.read() as connection:
        return set(connection.execute(rows.where(messages.c.customer_id == customer_id)).scalars())


@pytest.mark.slow
def test_no_call_is_committed_after_a_stop_of_the_address_or_the_person(
    store: Store, outbox_of: Any, provider: Any, addresses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop people while they are written to; half from the address itself, half as owners of another one.

    Every second STOP is aimed at its own message, between what the gate read of it and the commit of its call.
    Every STOP looks, right after its commit, at the calls that are committed by then: no other may follow.
    """
    for number in range(BATCHES):
        outbox_of.put(BATCH, first=number * BATCH)
    plain_send = provider.send

    def slow_send(message: Any) -> Any:
        time.sleep(LATENCY)
        return plain_send(message)

    provider.send = slow_send
    before: dict[str, set[str]] = {}
    begun = threading.Event()

    def stop(number: int) -> None:
        customer_id, own = f"cus_{number}", f"+4420794{60000 + number}"
        begun.wait(30)
        with store.write() as connection:
            consent.stop(
                connection,
                address_hash=addresses.hash(own if number % 2 else f"another of {number}"),
                channel="sms",
                at=NOW.now(),
                source="test",
                customer_ids=() if number % 2 else (customer_id,),
            )
        before[customer_id] = called(store, customer_id)

    chosen = random.Random(7).sample(range(BATCH * BATCHES), STOPS)
    aimed = {f"cus_{number}": number for number in chosen[::2]}
    with ThreadPoolExecutor(STOPPERS) as stoppers:

        def gather_while_they_stop(connection: Any, candidates: Any, *rest: Any) -> Any:
            facts = gather(connection, candidates, *rest)
            for number in [aimed[one] for each in candidates for one in each.person.ids if one in aimed]:
                stoppers.submit(stop, number)
            time.sleep(WINDOW)
            return facts

        monkeypatch.setattr(intent, "gather", gather_while_they_stop)
        for number in chosen[1::2]:
            stoppers.submit(stop, number)
        begun.set()
        report = dispatch_once(store, {"sms": provider}, NOW, threads=SENDERS)
    after = {customer_id: called(store, customer_id) for customer_id in before}
    late = {customer_id for customer_id in after if after[customer_id] - before[customer_id]}
    in_time = sum(not calls for calls in after.values())
    told = (
        f"{store.engine.dialect.name}: {STOPS} STOPs, {in_time} before the call, {len(late)} calls after one"
    )
    print(told)  # noqa: T201 - a soak shows its figures
    assert len(before) == STOPS
    assert late == set()
    assert 0 < in_time < STOPS, "the race was never run"
    assert sum(report.skipped.values()) == in_time
    assert report.accepted == BATCH * BATCHES - in_time
