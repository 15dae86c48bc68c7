"""Caps under campaigns that run at once: dispatchers in threads and in processes, and people who are merged meanwhile."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from messaging.clock import pin_clock, read_clock
from messaging.dispatch import run_dispatcher
from messaging.store import Store

from .conftest import NOON
from .dispatcher_beside import Ledger, merged

FULL = os.environ.get("RAPPORT_SOAK") == "1"
CAMPAIGNS, CAP = 8, 2  # of a channel in seven days, as shipped
PEOPLE = 500 if FULL else 12
PROCESSES = 3 if FULL else 1
PATIENCE = 300 if FULL else 60  # seconds
PHONE = "+4420794{:05d}"
ONE, OTHER = "cus_0", "cus_1"  # one person all along: with two phones, and a third that both have
OPEN = {"planned", "queued", "sending", "calling"}


def test_no_person_and_no_phone_ever_gets_more_than_its_cap_from_campaigns_that_run_at_once(
    store: Store, outbox_of: Any, home: Path, tmp_path: Path
) -> None:
    pin_clock(home, NOON)
    calls, merges = tmp_path / "calls", tmp_path / "merges"
    calls.touch()
    runs = [outbox_of.run(campaign=f"campaign_{number}") for number in range(CAMPAIGNS)]
    for number, run_id in enumerate(runs):
        outbox_of.put(PEOPLE, first=2, run_id=run_id, campaign=f"campaign_{number}", consent=number == 0)
        for who in (ONE, OTHER):  # who are not known to be one: only their phone is
            outbox_of.put(customer_id=who, address=PHONE.format(99), run_id=run_id, consent=number == 0)
    first = outbox_of.put(3, customer_id=ONE, address=PHONE.format(50), consent=False)
    with _dispatchers(store, home, calls, merges):
        _settle(outbox_of)
        merges.write_text(f"{ONE} {OTHER}\n")
        time.sleep(0.5)  # each dispatcher reads it before its next transaction
        late = outbox_of.put(3, customer_id=OTHER, address=PHONE.format(51), consent=False)
        _settle(outbox_of)
    sent = [line.split() for line in calls.read_text().splitlines()]
    by_phone = Counter(phone for _, phone in sent)
    rows = {message_id: outbox_of.row(message_id) for message_id, _ in sent}
    by_person = Counter(row.customer_id for row in rows.values())
    told = f"{store.engine.dialect.name}: {CAMPAIGNS} campaigns, {PEOPLE + 2} people, {len(sent)} messages, most to one {max(by_phone.values())}"
    print(told)  # noqa: T201 - a soak shows its figures
    assert len(sent) == len(rows), "a message went twice"
    assert max(by_phone.values()) == CAP
    assert {by_person[f"cus_{number}"] for number in range(2, PEOPLE + 2)} == {CAP}, (
        "everybody gets what they may"
    )
    assert max(by_person.values()) == CAP
    assert by_person[ONE] + by_person[OTHER] >= CAP, "whoever they are, they were written to"
    assert [outbox_of.row(each).reason for each in late] == ["frequency_cap"] * 3, (
        "they are known to be one by now"
    )
    assert {outbox_of.row(each).state for each in first} <= {"accepted", "skipped"}
    twice = Counter((row.run_id, row.address_hash) for row in rows.values() if row.run_id)
    assert max(twice.values()) == 1


@contextmanager
def _dispatchers(store: Store, home: Path, calls: Path, merges: Path) -> Iterator[None]:
    """Run four dispatchers in threads, and others in processes."""
    ending = threading.Event()
    options = {"poll_seconds": 0.02, "threads": 4, "merges": lambda: merged(merges)}
    threads = [
        threading.Thread(
            target=run_dispatcher,
            args=(store, {"sms": Ledger(calls)}, read_clock(home), ending),
            kwargs=options,
        )
        for _ in range(4)
    ]
    script = Path(__file__).with_name("dispatcher_beside.py")
    command = [sys.executable, str(script), str(home), str(calls), str(merges)]
    with ExitStack() as stack:
        beside = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(PROCESSES)
        ]
        for each in beside:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ending.set()
            for each in beside:
                assert each.stdin is not None
                each.stdin.close()
            for thread in threads:
                thread.join()
    assert [each.returncode for each in beside] == [0] * PROCESSES


def _settle(outbox_of: Any) -> None:
    """Wait until nothing is on its way any more."""
    deadline = time.monotonic() + PATIENCE
    while OPEN & set(outbox_of.states()):
        assert time.monotonic() < deadline, outbox_of.states()
        time.sleep(0.05)
