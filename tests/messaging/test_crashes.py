"""Never twice and never lost: a dispatcher killed again and again, and a provider that breaks off."""

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import Clock, pin_clock
from messaging.dispatch import dispatch_once
from messaging.reconcile import reconcile
from messaging.senders.build import build_senders
from messaging.settings import read_settings
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)
DISPATCHER = Path(__file__).with_name("dispatcher_to_kill.py")
MESSAGES = 150
MARKETING = 30
KILLS = 15


def _start(home: Path, url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(DISPATCHER), str(home), url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_killed_at_any_moment_nothing_is_sent_twice_and_nothing_is_lost(
    store: Store, home: Path, outbox_of: Any, wire: Any
) -> None:
    chance = random.Random(20261121)
    pin_clock(home, NOON)
    wire.latency = 0.06
    wire.faults = chance.choices([None, "drop_after", "drop_before", (500, "{}")], [85, 5, 5, 5], k=MESSAGES)
    receipts = outbox_of.put(MESSAGES - MARKETING, message_class="transactional")
    marketing = outbox_of.put(MARKETING, first=MESSAGES)

    kills = 0
    while kills < KILLS and outbox_of.states().get("queued", 0) + outbox_of.states().get("sending", 0):
        process = _start(home, wire.url)
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        process.communicate()
        kills += 1

    settings = read_settings(home=home, twilio_api_url=wire.url)
    senders = build_senders(settings, ["sms"])
    for _ in range(3):
        time.sleep(1.1)  # the leases of the last one killed run out
        dispatch_once(store, senders, CLOCK)
        reconcile(store, senders, CLOCK, grace=timedelta(0))

    times = Counter(record["body"] for record in wire.accepted)
    assert [body for body, count in times.items() if count > 1] == []
    rows = [outbox_of.row(message_id) for message_id in receipts + marketing]
    arrived = {row.body for row in rows if row.state == "accepted"}
    assert arrived == set(times), "what we call sent is what the provider has"
    assert {row.state for row in rows[: len(receipts)]} == {"accepted"}
    for row in rows[len(receipts) :]:
        assert (row.state, row.reason) in {("accepted", None), ("unknown", "not_on_record")}
    assert kills >= 5
