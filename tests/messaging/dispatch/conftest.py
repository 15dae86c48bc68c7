"""A sandbox, a receiver of its callbacks, and dispatchers in processes of their own."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from messaging.clock import Clock, pin_clock
from messaging.sandbox import server as sandbox_server
from messaging.sandbox.server import RunningSandbox
from messaging.sandbox.settings import SandboxSettings
from messaging.senders.build import build_senders
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.webhooks import server as webhooks_server

if TYPE_CHECKING:
    from messaging.senders.base import Sender

NOON = datetime.fromisoformat("2026-10-30T12:00")
CLOCK = Clock(NOON)
NURSERY = Path(__file__).with_name("dispatchers_to_kill.py")


class Line:
    """A sandbox, a receiver of its callbacks, and dispatchers that may be killed."""

    def __init__(self, sandbox: RunningSandbox, settings: Settings) -> None:
        self.sandbox, self.clock, self.home = sandbox, CLOCK, settings.home
        self.alive: list[int] = []
        self.senders: dict[str, Sender] = build_senders(settings, ["sms"])
        words = [str(settings.home), settings.public_url, sandbox.base_url]
        self.nursery = subprocess.Popen(
            [sys.executable, str(NURSERY), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def _read(self) -> str:
        assert self.nursery.stdout is not None
        return self.nursery.stdout.readline().strip()

    def _say(self, word: str) -> None:
        assert self.nursery.stdin is not None
        self.nursery.stdin.write(f"{word}\n")
        self.nursery.stdin.flush()

    def start(self, failpoint: str = "") -> None:
        """Start a dispatcher, or with "command" the command that everybody types."""
        self._say(failpoint)
        self.newest = int(self._read())
        self.alive.append(self.newest)

    def kill(self) -> None:
        """Kill the newest dispatcher, unless its failpoint did; nobody has waited for it, so its id is still its own."""
        os.kill(self.newest, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Wait until the newest dispatcher is dead, and hold that it was killed."""
        assert self.ended() == -signal.SIGKILL

    def end(self) -> int:
        """Ask the newest dispatcher to end as a supervisor does, and give its exit code."""
        os.kill(self.newest, signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Wait until the newest dispatcher has ended; give its exit code, or minus the signal that killed it."""
        self._say("wait")
        self.alive.remove(self.newest)
        return int(self._read())

    def stopped(self) -> None:
        """Wait until the newest dispatcher has been suspended at its failpoint."""
        self._say("stopped")
        assert self._read() == str(int(signal.SIGSTOP))

    def go_on(self) -> None:
        """Let the newest dispatcher go on that was suspended."""
        os.kill(self.newest, signal.SIGCONT)

    def close(self) -> None:
        """Kill every dispatcher that still lives; none was waited for, so that their ids are still their own."""
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)
        self.nursery.kill()
        self.nursery.communicate()

    def seen(self) -> Counter[str]:
        """Count how often the provider took each text."""
        taken = self.sandbox.sandbox.exchange.newest_first()
        return Counter(one.body for one in taken if one.direction == "outbound-api")


@pytest.fixture
def line(settings: Settings, store: Store, home: Path) -> Iterator[Line]:
    pin_clock(home, NOON)
    box = SandboxSettings(step_seconds=0.05, retry_pause=0.01)
    with (
        webhooks_server.running(settings, store, CLOCK, find_customers=lambda _: []) as hooks,
        sandbox_server.running(settings=box) as sandbox,
    ):
        public = hooks.settings.public_url
        line = Line(sandbox, read_settings(home=home, public_url=public, sandbox_url=sandbox.base_url))
        yield line
        line.close()
