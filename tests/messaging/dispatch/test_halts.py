"""A run that is paused or stopped, and a dispatcher that is told to end: with real processes that are in mid-batch."""

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from messaging import outbox
from messaging.sandbox.faults import Fault
from messaging.store import Store
from messaging.store.tables import attempts, campaign_runs
from messaging.store.times import database_now

MESSAGES = 150


def _begin(line: Any, outbox_of: Any, run_id: str | None, dispatchers: tuple[str, ...]) -> None:
    """Let dispatchers send to a provider that takes its time, until some messages have gone."""
    line.sandbox.sandbox.works.faults.add(Fault("delay", count=MESSAGES, seconds=0.2))
    outbox_of.put(MESSAGES, run_id=run_id)
    for each in dispatchers:
        line.start(each)
    for _ in range(500):
        if sum(line.seen().values()) >= 20:
            return
        time.sleep(0.02)
    pytest.fail("no dispatcher sends")


@pytest.mark.slow
@pytest.mark.parametrize("to", ["paused", "stopped"])
def test_a_second_after_a_run_is_halted_no_process_begins_a_call(
    store: Store, outbox_of: Any, line: Any, to: str
) -> None:
    run_id = outbox_of.run()
    _begin(line, outbox_of, run_id, ("", ""))
    with store.write() as connection:
        connection.execute(update(campaign_runs).values(state=to))
        if to == "stopped":
            outbox.cancel_run(connection, run_id, line.clock.now())
        halted = database_now(connection)
    time.sleep(2)
    with store.read() as connection:
        began = connection.execute(select(attempts.c.started_at)).scalars().all()
    late = [at for at in began if at > halted + timedelta(seconds=1)]
    states = outbox_of.states()
    assert late == []
    assert 20 <= len(began) < MESSAGES, "it was halted in its middle"
    assert set(states) <= {"accepted", "done", "queued" if to == "paused" else "cancelled"}
    assert states["queued" if to == "paused" else "cancelled"] == MESSAGES - len(began)


@pytest.mark.slow
def test_a_dispatcher_that_is_told_to_end_writes_down_its_calls_and_gives_the_rest_back(
    store: Store, outbox_of: Any, line: Any
) -> None:
    _begin(line, outbox_of, None, ("command",))
    assert line.end() == 0
    assert line.sandbox.settle(30)
    states = outbox_of.states()
    assert set(states) <= {"accepted", "done", "queued"}
    assert states["queued"] == MESSAGES - sum(line.seen().values())
    assert states["queued"] > 0
