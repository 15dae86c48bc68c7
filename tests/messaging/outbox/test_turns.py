"""A campaign that sends so many an hour: spread evenly, whoever dispatches, and no flood after a pause."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.dispatch import dispatch_once
from messaging.outbox import void_turns
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def slow_run(outbox_of: Any) -> str:
    """Give a run that sends six an hour, which is one every ten minutes."""
    run_id: str = outbox_of.run(content={"tables": [], "per_hour": 6})
    return run_id


def dispatched(store: Store, provider: Any, minutes: float) -> Any:
    return dispatch_once(store, {"sms": provider}, Clock(NOON + minutes * MINUTE), threads=2)


def turns(outbox_of: Any, ids: Sequence[str]) -> list[float]:
    """Give after how many minutes each message that waits has its turn."""
    rows = [outbox_of.row(each) for each in ids]
    return sorted((row.send_after - NOON) / MINUTE for row in rows if row.state == "queued")


def test_one_goes_at_once_and_the_others_each_have_a_turn(
    store: Store, outbox_of: Any, provider: Any, slow_run: str
) -> None:
    ids = outbox_of.put(5, run_id=slow_run)
    report = dispatched(store, provider, 0)
    assert (report.accepted, report.waiting) == (1, {"campaign_pace": 4})
    assert turns(outbox_of, ids) == [10, 20, 30, 40]
    waiting = next(row for row in map(outbox_of.row, ids) if row.state == "queued")
    assert waiting.detail.startswith("This campaign sends 6 messages an hour; its turn is at 12:")
    assert [dispatched(store, provider, minutes).called for minutes in (9, 10, 19, 20, 30, 40, 50)] == [
        *(0, 1, 0, 1, 1, 1, 0)
    ]


def test_what_came_due_while_no_dispatcher_ran_goes_and_no_more(
    store: Store, outbox_of: Any, provider: Any, slow_run: str
) -> None:
    outbox_of.put(12, run_id=slow_run)
    dispatched(store, provider, 0)
    assert dispatched(store, provider, 60).called == 6


def test_no_flood_follows_a_pause(store: Store, outbox_of: Any, provider: Any, slow_run: str) -> None:
    ids = outbox_of.put(6, run_id=slow_run)
    dispatched(store, provider, 0)
    with store.write() as connection:
        void_turns(connection, slow_run, NOON + 35 * MINUTE)
    report = dispatched(
        store, provider, 36
    )  # those of 10, 20 and 30 are behind the two that have a turn still
    assert (report.called, report.waiting) == (0, {"campaign_pace": 3})
    assert turns(outbox_of, ids) == [40, 50, 60, 70, 80]


def test_a_run_that_waited_longer_than_its_turns_begins_anew(
    store: Store, outbox_of: Any, provider: Any, slow_run: str
) -> None:
    ids = outbox_of.put(3, run_id=slow_run)
    dispatched(store, provider, 0)
    with store.write() as connection:
        void_turns(connection, slow_run, NOON + 200 * MINUTE)
    assert dispatched(store, provider, 200).called == 1
    assert turns(outbox_of, ids) == [210]


def test_other_campaigns_and_answers_do_not_wait_for_it(
    store: Store, outbox_of: Any, provider: Any, slow_run: str
) -> None:
    outbox_of.put(3, run_id=slow_run)
    other = outbox_of.run(campaign="welcome", content={"tables": []})
    outbox_of.put(4, first=10, run_id=other, campaign="welcome")
    outbox_of.put(2, first=20, message_class="conversational", consent=False)
    assert dispatched(store, provider, 0).accepted == 7


def test_the_turn_of_a_message_that_may_not_go_after_all_is_not_lost(
    store: Store, outbox_of: Any, provider: Any, slow_run: str
) -> None:
    outbox_of.put(2, run_id=slow_run, consent=False)
    outbox_of.put(1, first=5, run_id=slow_run)
    report = dispatched(store, provider, 0)
    assert (report.accepted, report.skipped) == (1, {"no_consent": 2})


def test_dispatchers_beside_each_other_give_each_turn_once(
    store: Store, outbox_of: Any, provider: Any
) -> None:
    run_id = outbox_of.run(content={"tables": [], "per_hour": 60})
    ids = outbox_of.put(40, run_id=run_id)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: dispatched(store, provider, 0).accepted, range(4)))
    assert sum(done) == 1
    assert turns(outbox_of, ids) == [*range(1, 40)]
