"""Killed at any moment under load: what was acknowledged is there, once; what was not may be sent again.

Here it is killed a few times; RAPPORT_SOAK=1 kills it fifty times.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from messaging.clock import pin_clock
from messaging.sandbox.signing import signature
from messaging.settings import SANDBOX_AUTH_TOKEN, Settings
from messaging.store import Store
from messaging.store.tables import inbound_messages, provider_events

SOAK = os.environ.get("RAPPORT_SOAK") == "1"
NOON = datetime.fromisoformat("2026-10-30T12:00")
KILLS = 50 if SOAK else 3
SENDERS = 8
RECEIVER = Path(__file__).with_name("receiver_to_kill.py")


class Sender(threading.Thread):
    """Posts callbacks and messages until it is told to stop; keeps what was acknowledged, and sends again what was not."""

    def __init__(self, number: int, base_url: str, public_url: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.base_url = base_url
        self.public_url = public_url
        self.stop = stop
        self.acknowledged: list[tuple[str, str]] = []
        self.refused: Counter[int] = Counter()

    def run(self) -> None:
        """Post one after the other."""
        with httpx.Client(base_url=self.base_url, trust_env=False, timeout=20) as client:
            count = 0
            while not self.stop.is_set():
                kind, path, sid, form = self._next(count)
                signed = {"X-Twilio-Signature": signature(SANDBOX_AUTH_TOKEN, self.public_url + path, form)}
                try:
                    answer = client.post(path, data=form, headers=signed)
                except httpx.HTTPError:
                    time.sleep(0.02)
                    continue
                if answer.is_success:
                    self.acknowledged.append((kind, sid))
                    count += 1
                else:
                    self.refused[answer.status_code] += 1

    def _next(self, count: int) -> tuple[str, str, str, dict[str, str]]:
        sid = f"SM{self.number:02}{count:06}"
        if count % 2:
            return "status", "/webhooks/twilio/status", sid, {"MessageSid": sid, "MessageStatus": "sent"}
        form = {
            "MessageSid": sid,
            "From": f"+4477009{self.number:02}{count % 1000:03}",
            "To": "+15005550006",
            "Body": "Hello",
        }
        return "inbound", "/webhooks/twilio/inbound", sid, form


class Receivers:
    """Starts receivers, one after the other, and kills them."""

    def __init__(self, home: Path, port: int) -> None:
        command = [sys.executable, str(RECEIVER), str(home), str(port)]
        self.base_url = f"http://127.0.0.1:{port}"
        self._nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process_id = 0

    def start(self) -> None:
        """Start one, and wait until it answers."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("start\n")
        self._nursery.stdin.flush()
        self._process_id = int(self._nursery.stdout.readline())
        until = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < until, "the receiver did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill the one that runs, and wait until nothing is left of it: then its port is free."""
        killed, self._process_id = self._process_id, 0
        os.kill(killed, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(killed, 0)
                time.sleep(0.002)

    def close(self) -> None:
        """End everything that this started."""
        if self._process_id:
            os.kill(self._process_id, signal.SIGKILL)
        self._nursery.kill()
        self._nursery.communicate()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/healthz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.mark.slow
@pytest.mark.timeout(900 if SOAK else 120)
def test_killed_under_load_what_was_acknowledged_is_there_once(
    store: Store, settings: Settings, home: Path, capsys: Any
) -> None:
    chance = random.Random(20261122)
    pin_clock(home, NOON)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = threading.Event()
    receivers = Receivers(home, port)
    senders = [Sender(number, receivers.base_url, settings.public_url, stop) for number in range(SENDERS)]
    try:
        receivers.start()
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 0.4))
            receivers.kill()
            receivers.start()
        time.sleep(0.3)
        stop.set()
        for sender in senders:
            sender.join(60)
    finally:
        stop.set()
        receivers.close()
    acknowledged = [each for sender in senders for each in sender.acknowledged]
    with store.read() as connection:
        statuses = Counter(connection.execute(select(provider_events.c.provider_sid)).scalars())
        heard = Counter(connection.execute(select(inbound_messages.c.provider_sid)).scalars())
    kept = {("status", sid) for sid in statuses} | {("inbound", sid) for sid in heard}
    lost = set(acknowledged) - kept
    with capsys.disabled():
        sys.stdout.write(f" {KILLS} kills, {len(acknowledged):,} acknowledged, {len(lost)} lost ")
    assert len(acknowledged) > KILLS * SENDERS
    assert lost == set()
    assert max([*statuses.values(), *heard.values()]) == 1
    assert sum((sender.refused for sender in senders), Counter()).keys() <= {503}
