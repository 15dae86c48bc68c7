"""Starts the parts of an installation, sees that each answers, starts a dead one again, and ends them all."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import psutil

from dashboard import process_tree
from data_contracts.errors import ServiceError

QUICK_DEATH = 20.0  # seconds; a part that lives shorter has not really started
MOST_QUICK_DEATHS = 5
LOG_LIMIT = 5_000_000  # bytes; a longer log is put aside when its part starts
GRACE = 4.0  # seconds that a part has to end by itself; everything has to be gone after 10


@dataclass(frozen=True)
class Part:
    """One process of an installation.

    `health_url` answers 200 once the part works; a part without one is ready after `settle` seconds of life.
    """

    name: str
    purpose: str
    command: Sequence[str]
    address: str = ""
    health_url: str = ""
    settle: float = 2.0
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Life:
    """What the supervisor knows of a part that runs, or should."""

    process: subprocess.Popen[bytes]
    started_at: float
    ready: bool = False
    quick_deaths: int = 0
    start_again_at: float | None = None
    given_up: bool = False


class Supervisor:
    """Holds the parts of one installation; `say` receives a sentence for each thing that happens to them."""

    def __init__(
        self, parts: Sequence[Part], logs: Path, say: Callable[[str], None], backoff: float = 0.5
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self.mark = uuid4().hex
        self._logs = logs
        self._say = say
        self._backoff = backoff
        self._lives: dict[str, _Life] = {}
        self._http = httpx.Client(timeout=1.0, trust_env=False)
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start every part, and the watchdog that ends them should this process be killed."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._guard()
        for part in self.parts.values():
            self._lives[part.name] = _Life(self._spawn(part), time.monotonic())

    def wait_until_ready(self, timeout: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Wait until every part answers, or until `stop` says that nobody waits any longer.

        Raises ServiceError when a part does not answer within `timeout` seconds, or does not stay alive.
        """
        deadline = time.monotonic() + timeout
        while not self.ready() and not stop():
            self.tick()
            for part in self.parts.values():
                life = self._lives[part.name]
                if life.given_up or (not life.ready and time.monotonic() > deadline):
                    raise ServiceError(f"{part.name} did not start.", f"Its log is {self.log_path(part)}.")
            time.sleep(0.2)

    def ready(self) -> bool:
        """Say whether every part answers."""
        return all(life.ready for life in self._lives.values())

    def tick(self) -> None:
        """Look at every part once: note who died, who is due to start again, and who answers now."""
        self._guard()
        for part in self.parts.values():
            life = self._lives[part.name]
            if life.given_up:
                continue
            if life.start_again_at is not None:
                self._start_again_when_due(part, life)
            elif (code := life.process.poll()) is not None:
                self._note_death(part, life, code)
            elif not life.ready and self._answers(part, life):
                life.ready = True
                self._say(f"{part.name} is ready after {time.monotonic() - life.started_at:.1f} s")

    def pid(self, name: str) -> int:
        """Give the process id of a part."""
        return self._lives[name].process.pid

    def log_path(self, part: Part) -> Path:
        """Where a part writes what it says."""
        return self._logs / f"{part.name}.log"

    def stop(self) -> int:
        """End every part and all that descends from it; gives the number that had to be killed."""
        heads = [
            psutil.Process(life.process.pid) for life in self._lives.values() if life.process.poll() is None
        ]
        killed = process_tree.end(heads, self.mark, GRACE)
        killed += sum(_ended_by_force(life.process) for life in self._lives.values())
        if self._watchdog and self._watchdog.stdin:
            self._watchdog.stdin.close()
            self._watchdog.wait()
        self._http.close()
        return killed

    def _guard(self) -> None:
        if self._watchdog is None or self._watchdog.poll() is not None:
            command = [sys.executable, "-m", "dashboard.watchdog", self.mark]
            self._watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 (our own)

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        path = self.log_path(part)
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        environment = {**os.environ, **part.environment, process_tree.MARK: f"{self.mark}/{part.name}"}
        with path.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (the commands are our own)
                list(part.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # so that Ctrl-C reaches the supervisor alone, which ends the parts
            )

    def _note_death(self, part: Part, life: _Life, code: int) -> None:
        lived = time.monotonic() - life.started_at
        life.quick_deaths = life.quick_deaths + 1 if lived < QUICK_DEATH else 0
        life.ready = False
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if life.quick_deaths >= MOST_QUICK_DEATHS:
            life.given_up = True
            self._say(
                f"{part.name} {how} {life.quick_deaths} times in a row; given up. Log: {self.log_path(part)}"
            )
            return
        wait = self._backoff * 2 ** max(life.quick_deaths - 1, 0)
        life.start_again_at = time.monotonic() + wait
        self._say(f"{part.name} {how} after {lived:.0f} s; starting it again in {wait:.1f} s")

    def _start_again_when_due(self, part: Part, life: _Life) -> None:
        if life.start_again_at is None or time.monotonic() < life.start_again_at:
            return
        mark = f"{self.mark}/{part.name}"
        process_tree.end(
            process_tree.marked(mark), mark, grace=1.0
        )  # orphans of the dead one may still hold its port
        life.process, life.started_at, life.start_again_at = self._spawn(part), time.monotonic(), None

    def _answers(self, part: Part, life: _Life) -> bool:
        if not part.health_url:
            return time.monotonic() - life.started_at >= part.settle
        try:
            return self._http.get(part.health_url).is_success
        except httpx.HTTPError:
            return False


def _ended_by_force(process: subprocess.Popen[bytes]) -> bool:
    """Wait for a process, and kill it if need be: one that has just begun may not be read yet, nor asked to end."""
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False
