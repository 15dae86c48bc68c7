"""Two processes, one of today and one of tomorrow, during `rapport upgrade`: today's ends, and nothing is lost."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from data_contracts.errors import StoreOutdatedError
from messaging.clock import Clock, pin_clock
from messaging.dispatch import dispatch_once
from messaging.reconcile import reconcile
from messaging.senders.build import build_senders
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store, sessions
from messaging.store.tables import address_locks

NOON = datetime.fromisoformat("2026-10-30T12:00")
ROOT = Path(__file__).parents[3]
DISPATCHER = Path(__file__).with_name("dispatcher_of_today.py")
NEWER = Path(__file__).with_name("newer_version.py")
MESSAGES = 400


def test_a_process_whose_store_was_upgraded_writes_no_more(store: Store, settings: Settings) -> None:
    with open_store(settings) as other, other.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    told = pytest.raises(StoreOutdatedError, match=r"upgraded to schema 9999 while.*Start it again")
    with told, store.write() as connection:
        connection.execute(insert(address_locks).values(lock_key="a"))
    with pytest.raises(StoreOutdatedError):
        store.writer.submit("a", lambda _: None).result(30)


def _start(script: Path, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = subprocess.Popen([sys.executable, str(script), *arguments], text=True, env=environment, **pipes)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


@pytest.mark.slow
def test_a_dispatcher_ends_with_a_sentence_when_its_store_is_upgraded_and_nothing_is_lost_or_sent_twice(
    store: Store, home: Path, tmp_path: Path, outbox_of: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_clock(home, NOON)
    wire.latency = 0.05
    ids = outbox_of.put(MESSAGES, message_class="transactional")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAPPORT_HOME": str(home)}
    new = _start(NEWER, str(tmp_path), environment=environment)
    old = _start(DISPATCHER, str(home), wire.url, environment=environment)
    while len(wire.accepted) < 20:
        time.sleep(0.02)
        assert old.poll() is None
    told, _ = new.communicate("now\n", timeout=120)
    assert "The store is current" in told
    _, said = old.communicate(timeout=60)
    assert old.returncode != 0
    assert "was upgraded to schema 9999 while this process" in said
    sent_by_old = len(wire.accepted)
    assert sent_by_old < MESSAGES, "the race was never run"

    monkeypatch.setattr(
        sessions, "REVISIONS", (*sessions.REVISIONS, "9999")
    )  # we are of tomorrow from here on
    senders = build_senders(read_settings(home=home, twilio_api_url=wire.url), ["sms"])
    time.sleep(1.1)  # the leases of the old one run out
    for _ in range(2):
        dispatch_once(store, senders, Clock(NOON))
        reconcile(store, senders, Clock(NOON), grace=timedelta(0))
    times = Counter(record["body"] for record in wire.accepted)
    assert [body for body, count in times.items() if count > 1] == []
    assert len(times) == MESSAGES
    assert {outbox_of.row(message_id).state for message_id in ids} == {"accepted"}
