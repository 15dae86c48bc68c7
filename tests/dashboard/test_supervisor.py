"""The supervisor with tiny stand-in commands: real processes, real ports, no Dagster."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dashboard import process_tree
from dashboard.supervisor import MOST_QUICK_DEATHS, Part, Supervisor
from data_contracts.errors import ServiceError

SERVER = "import http.server, sys; http.server.test(HandlerClass=http.server.SimpleHTTPRequestHandler, "
SERVER += "bind='127.0.0.1', port=int(sys.argv[1]))"
SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
STUBBORN += "time.sleep(600)"
PARENT = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); time.sleep(600)"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server(name: str = "page") -> Part:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    return Part(name, "a page", [sys.executable, "-c", SERVER, str(port)], address, address)


def script(code: str, name: str = "worker") -> Part:
    return Part(name, "a worker", [sys.executable, "-c", code], settle=0.2)


def eventually(happens: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(tmp_path: Path, said: list[str]) -> Iterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def build(*parts: Part) -> Supervisor:
        supervisor = Supervisor(parts, tmp_path / "logs", said.append, backoff=0.01)
        running.append(supervisor)
        supervisor.start()
        return supervisor

    yield build
    for supervisor in running:
        supervisor.stop()


def test_it_waits_until_every_part_answers_and_says_so(
    supervise: Callable[..., Supervisor], said: list[str]
) -> None:
    supervisor = supervise(server("page"), script(SLEEPER, "worker"))
    supervisor.wait_until_ready(15)
    assert supervisor.ready()
    assert sorted(line.split(" ")[0] for line in said) == ["page", "worker"]
    assert all("is ready after" in line for line in said)


def test_stopping_ends_grandchildren_too(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(script(PARENT))
    eventually(lambda: len(process_tree.marked(supervisor.mark)) == 2)
    assert supervisor.stop() == 0 or not process_tree.marked(supervisor.mark)
    assert process_tree.marked(supervisor.mark) == []


def test_a_part_that_ignores_the_request_to_end_is_killed_within_ten_seconds(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise(script(STUBBORN))
    eventually(lambda: b"deaf" in (tmp_path / "logs" / "worker.log").read_bytes())
    began = time.monotonic()
    assert supervisor.stop() == 1
    assert time.monotonic() - began < 10


def test_a_killed_part_is_started_again_and_it_says_so(
    supervise: Callable[..., Supervisor], said: list[str]
) -> None:
    supervisor = supervise(server("page"))
    supervisor.wait_until_ready(15)
    first = supervisor.pid("page")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.tick() or supervisor.pid("page") != first)
    supervisor.wait_until_ready(15)
    assert any("page was killed by signal 9" in line and "starting it again" in line for line in said)


def test_the_orphans_of_a_killed_part_are_ended_before_it_starts_again(
    supervise: Callable[..., Supervisor],
) -> None:
    supervisor = supervise(script(PARENT))
    eventually(lambda: len(process_tree.marked(supervisor.mark)) == 2)
    before = {process.pid for process in process_tree.marked(supervisor.mark)}
    first = supervisor.pid("worker")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.tick() or supervisor.pid("worker") != first)
    eventually(lambda: len(process_tree.marked(supervisor.mark)) == 2)
    assert before.isdisjoint(process.pid for process in process_tree.marked(supervisor.mark))


def test_a_part_that_dies_at_once_again_and_again_is_given_up_with_its_log_named(
    supervise: Callable[..., Supervisor], said: list[str], tmp_path: Path
) -> None:
    supervisor = supervise(script("raise SystemExit('no such thing')"))
    with pytest.raises(ServiceError, match=r"worker did not start.*worker\.log"):
        supervisor.wait_until_ready(30)
    assert sum("starting it again" in line for line in said) == MOST_QUICK_DEATHS - 1
    assert said[-1].endswith(f"Log: {tmp_path / 'logs' / 'worker.log'}")
    assert b"no such thing" in (tmp_path / "logs" / "worker.log").read_bytes()


def test_a_part_that_never_answers_is_named_after_the_time_given(
    supervise: Callable[..., Supervisor],
) -> None:
    silent = Part(
        "silent", "says nothing", [sys.executable, "-c", SLEEPER], "", f"http://127.0.0.1:{free_port()}"
    )
    with pytest.raises(ServiceError, match="silent did not start"):
        supervise(silent).wait_until_ready(0.5)


def test_a_long_log_is_put_aside_when_its_part_starts(
    supervise: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.supervisor.LOG_LIMIT", 10)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker.log").write_text("an old and long log")
    supervise(script(SLEEPER))
    assert (tmp_path / "logs" / "worker.log.1").read_text() == "an old and long log"


def test_nothing_survives_ten_seconds_after_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dashboard.supervisor import Part, Supervisor; "
        f"part = Part('worker', '', [sys.executable, '-c', {PARENT!r}], settle=0.1); "
        "supervisor = Supervisor([part], Path(sys.argv[1]), print); supervisor.start(); "
        "print(supervisor.mark, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        mark = supervisor.stdout.readline().strip()
        eventually(lambda: len(process_tree.marked(mark)) == 2)
        watchdogs = [
            p for p in psutil.Process(supervisor.pid).children() if "dashboard.watchdog" in p.cmdline()
        ]
        supervisor.kill()
    eventually(lambda: not process_tree.marked(mark), seconds=10)
    assert not psutil.wait_procs(watchdogs, timeout=10)[1]
