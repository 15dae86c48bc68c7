"""Never twice, never lost, never called sent without being so: dispatchers killed again and again, a provider that breaks off.

Everybody's run is a small one; `make soak` runs a thousand kills over six thousand messages, on both databases.
"""

import os
import random
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from messaging.dispatch import dispatch_once
from messaging.dispatch.failpoints import POINTS
from messaging.reconcile import decide, reconcile, unclear
from messaging.sandbox.faults import Fault, Kind
from messaging.store import Store

FULL = os.environ.get("RAPPORT_SOAK") == "1"
KILLS, MESSAGES = (1000, 6000) if FULL else (8, 60)
LIFE = 0.25  # seconds that a dispatcher lives at most
FAULTS: dict[Kind | None, float] = {
    None: 0.66,
    "drop_after": 0.05,
    "error_500_after": 0.05,
    "drop": 0.03,
    "error_500": 0.03,
    "reject_429": 0.02,
    "delay": 0.04,
    "double_callback": 0.04,
    "reversed_callbacks": 0.04,
    "no_callback": 0.03,
    "undelivered": 0.01,
}


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 120)
def test_killed_at_any_moment_nothing_is_sent_twice_nothing_is_lost_and_nothing_is_called_sent_that_is_not(
    store: Store, outbox_of: Any, line: Any
) -> None:
    chance = random.Random(20261122)
    ids: list[str] = []
    for life in range(KILLS):
        count = MESSAGES * (life + 1) // KILLS - len(ids)
        of_class = "transactional" if life % 3 == 0 else "marketing"
        ids += _put(outbox_of, line, count, chance, first=len(ids), message_class=of_class)
        if life % 5 == 4 and count:
            line.start(f"{chance.choice(POINTS)}:{chance.randint(1, 3)}")
            time.sleep(LIFE)
        else:
            line.start()
            time.sleep(chance.uniform(0.0, LIFE))
        line.kill()
        if life % 50 == 49:
            _end_rests(store)
    asked, dropped = 0, set()
    while undecided := _settle(store, line):  # what goes again may be cut off again
        asked += len(undecided)
        dropped |= _decide(store, line, undecided)

    rows = [outbox_of.row(message_id) for message_id in ids]
    seen = line.seen()
    twice = [body for body, count in seen.items() if count > 1]
    arrived = {row.body for row in rows if row.state in {"accepted", "done"} or row.reason == "undelivered"}
    lost = [row.body for row in rows if row.body not in seen and row.message_id not in dropped]
    print(  # noqa: T201 - a soak shows its figures
        f"\n{store.engine.dialect.name}: {KILLS:,} kills, {len(ids):,} messages, {sum(seen.values()):,} seen by the "
        f"provider; twice {len(twice)}, lost {len(lost)}, called sent and not {len(arrived - set(seen))}; "
        f"{_recovered(store):,} calls were cut off, {asked} came before a person"
    )
    assert twice == []
    assert lost == []
    assert arrived == set(seen), "what we call sent is what the provider has"
    assert {row.state for row in rows if row.message_id in dropped} <= {"cancelled"}


def _put(outbox_of: Any, line: Any, count: int, chance: random.Random, **values: Any) -> list[str]:
    first = values["first"]
    for kind, number in zip(
        chance.choices(list(FAULTS), list(FAULTS.values()), k=count),
        range(first, first + count),
        strict=True,
    ):
        if kind is not None:
            fault = Fault(kind, to=f"+4420794{60000 + number}", seconds=0.1)
            line.sandbox.sandbox.works.faults.add(fault)
    return list(outbox_of.put(count, **values)) if count else []


def _end_rests(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE messages SET retry_at = NULL WHERE state = 'queued'"))


def _settle(store: Store, line: Any) -> list[str]:
    """Do what a dispatcher does in the minutes after; give the ids that a person has to decide."""
    for _ in range(12):
        time.sleep(1.1)  # the leases of the last one killed run out
        _end_rests(store)
        dispatch_once(store, line.senders, line.clock)
        reconcile(store, line.senders, line.clock, grace=timedelta(0))
        assert line.sandbox.settle(120)
        with store.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT count(*) FROM messages WHERE state IN ('queued', 'sending', 'calling')"
                    " OR (state = 'unknown' AND reason <> 'not_on_record')"
                )
            )
            if not rows.scalar_one():
                break
    found = unclear(store, 10_000)
    assert all(each.waits for each in found)
    return [each.message_id for each in found]


def _decide(store: Store, line: Any, undecided: list[str]) -> set[str]:
    """Decide as a person would who trusts the evidence: it went not; every third is not worth another try."""
    seen, dropped = line.seen(), set()
    for number, message_id in enumerate(undecided):
        (each,) = unclear(store, message_id=message_id)
        assert each.look is not None
        assert each.look.on_record == 0
        assert each.body not in seen, "the evidence is true"
        assert each.calls[-1]["outcome"] == "unknown"
        drop = number % 3 == 2
        if drop:
            dropped.add(message_id)
        decide(
            store,
            line.senders,
            line.clock,
            message_id,
            "dropped" if drop else "not-sent",
            reason="The provider has no record.",
            actor="test",
            grace=timedelta(0),
        )
    return dropped


def _recovered(store: Store) -> int:
    with store.read() as connection:
        rows = connection.execute(text("SELECT count(*) FROM attempts WHERE outcome = 'unknown'"))
        return int(rows.scalar_one())


@pytest.mark.slow
def test_a_dispatcher_that_dies_at_a_fixed_point_leaves_what_evidence_settles(
    store: Store, outbox_of: Any, line: Any
) -> None:
    ids: list[str] = []
    for point in POINTS:
        before = sum(line.seen().values())
        ids += outbox_of.put(10, first=len(ids), message_class="transactional")
        line.start(point)
        line.wait()
        called = sum(line.seen().values()) - before
        if point in {
            "after_claim",
            "after_call",
            "before_record",
        }:  # else some threads may have called, or none
            assert (called == 0) == (point == "after_claim"), f"{called} calls before it died {point}"
    assert _settle(store, line) == []
    assert line.seen() == Counter(outbox_of.row(one).body for one in ids)
    assert {outbox_of.row(one).state for one in ids} <= {"accepted", "done"}
