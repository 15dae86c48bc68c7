"""The whole of `rapport up` as a person starts it: real parts, Dagster included, on free ports."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

RAPPORT = Path(sys.executable).with_name("rapport")
PORTS = ("app", "dagster", "webhooks", "sandbox", "mail")


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def processes_of(home: Path) -> list[psutil.Process]:
    """Give everything that runs on a home, by the environment that `rapport up` hands down."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("RAPPORT_HOME") == str(home)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def eventually(happens: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    for process in processes_of(home):
        process.kill()


def start(home: Path, ports: list[int]) -> subprocess.Popen[str]:
    options = [
        part for name, port in zip(PORTS, ports, strict=True) for part in (f"--{name}-port", str(port))
    ]
    return subprocess.Popen(
        [RAPPORT, "up", "--json", *options],
        env={"PATH": os.environ["PATH"], "HOME": str(home.parent), "RAPPORT_HOME": str(home)},
        cwd=home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_document(up: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the JSON document that says where everything is; the stream stays open."""
    assert up.stdout is not None
    text = ""
    while not text.endswith("\n}\n"):
        line = up.stdout.readline()
        assert line, up.stderr.read() if up.stderr else ""
        text += line
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.slow
def test_it_starts_answers_restarts_what_is_killed_refuses_a_second_and_ends_without_orphans(
    home: Path,
) -> None:
    ports = free_ports(5)
    up = start(home, ports)
    parts = {part["name"]: part["address"] for part in read_document(up)["parts"]}
    assert set(parts) == {"app", "dagster", "webhooks", "dispatcher", "watch", "sandbox"}
    assert httpx.get(f"{parts['app']}/_stcore/health", trust_env=False).is_success
    assert httpx.get(f"{parts['dagster']}/server_info", trust_env=False).is_success

    second = subprocess.run(
        [RAPPORT, "up", "--app-port", str(ports[0])],
        env=os.environ | {"RAPPORT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"Port {ports[0]}" in second.stderr
    assert "Traceback" not in second.stderr

    served = next(process for process in processes_of(home) if "dashboard.serve" in process.cmdline())
    served.kill()
    served.wait(10)
    eventually(lambda: _answers(f"{parts['app']}/_stcore/health"), 30)

    up.send_signal(signal.SIGINT)
    _, said = up.communicate(timeout=15)
    assert up.returncode == 0
    assert "app was killed by signal 9" in said
    eventually(lambda: not processes_of(home), 10)


@pytest.mark.slow
def test_nothing_is_left_ten_seconds_after_it_was_killed_itself(home: Path) -> None:
    up = start(home, free_ports(5))
    read_document(up)
    up.kill()
    up.communicate()
    eventually(lambda: not processes_of(home), 10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False
