"""The sandbox as a server: on this machine only, with one sentence where it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from data_contracts.errors import ServiceError, UsageError
from messaging.sandbox.app import Sandbox
from messaging.sandbox.server import running, serve
from messaging.sandbox.settings import settings_for
from messaging.settings import read_settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_says_that_it_is_well() -> None:
    with running() as box:
        assert httpx.get(f"{box.base_url}/healthz").json() == {"status": "ok"}
        assert box.base_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "example.com", "::"])  # noqa: S104
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(UsageError, match="does not listen on"):
        serve(host, 0, 0, Sandbox())


def test_it_takes_the_credentials_that_our_own_client_uses_but_never_a_live_accounts(tmp_path: Path) -> None:
    own = read_settings(home=tmp_path, twilio_account_sid="AC" + "1" * 32, twilio_auth_token="mine")
    assert (settings_for(own).account_sid, settings_for(own).auth_token) == ("AC" + "1" * 32, "mine")
    assert settings_for(own).folder == tmp_path / "sandbox"
    assert settings_for(own, folder=None, step_seconds=1).folder is None
    live = read_settings(
        home=tmp_path, sending="live", twilio_account_sid="AC" + "1" * 32, twilio_auth_token="mine"
    )
    assert (settings_for(live).account_sid, settings_for(live).auth_token) == (
        "AC" + "0" * 32,
        "sandbox-token",
    )


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with running() as box:
        port = int(box.base_url.rsplit(":", 1)[1])
        with pytest.raises(ServiceError, match=f"Port {port} on 127.0.0.1"), running(port=port):
            pass
        with (
            pytest.raises(ServiceError, match=f"SMTP port {box.smtp_port}"),
            running(smtp_port=box.smtp_port),
        ):
            pass


def run(home: Path, *options: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "RAPPORT_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "messaging.sandbox", *options]
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home
    )


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_serves_keeps_its_phones_and_ends_when_told(
    told: signal.Signals, tmp_path: Path
) -> None:
    port, smtp_port = free_port(), free_port()
    process = run(tmp_path, "--port", str(port), "--smtp-port", str(smtp_port))
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                assert httpx.get(f"{address}/healthz").status_code == 200
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        httpx.post(f"{address}/_sandbox/phones/+447700900123/messages", json={"body": "Hello"})
    finally:
        process.send_signal(told)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.count("Traceback")) == (0, 0)
    assert "Hello" in (tmp_path / "sandbox" / "phones.jsonl").read_text()


def test_as_a_process_it_refuses_other_hosts_with_exit_code_2(tmp_path: Path) -> None:
    process = run(tmp_path, "--host", "0.0.0.0")  # noqa: S104
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert "127.0.0.1" in errors
