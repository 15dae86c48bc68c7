"""The receiver as a process of its own, and what it knows of a number's owners."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from sqlalchemy import select, text

from data_contracts.errors import ReleaseError
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import provider_events
from messaging.webhooks.owners import owners
from messaging.webhooks.server import running

PHONE = "+447911123456"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def release(settings: Settings) -> None:
    """Publish a release in which two people share a number, written with its plus and without."""
    settings.releases_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.releases_dir / "c360-1.duckdb")) as connection:
        connection.execute("CREATE TABLE release_info AS SELECT '1' AS version")
        connection.execute(
            "CREATE TABLE customer_identifiers (customer_id VARCHAR, identifier_type VARCHAR, value VARCHAR)"
        )
        rows = [
            ("cus_2", "phone", PHONE),
            ("cus_1", "phone", PHONE.removeprefix("+")),
            ("cus_3", "phone", "+447911999999"),
            ("cus_4", "email", "siobhan@example.com"),
            ("cus_5", "handle", PHONE),
        ]
        connection.executemany("INSERT INTO customer_identifiers VALUES (?, ?, ?)", rows)
    (settings.releases_dir / "current.json").write_text(
        '{"version": "1", "file": "c360-1.duckdb", "as_of": "2026-10-30T12:00:00", '
        '"built_at": "2026-10-30T12:00:00", "schema_version": "1", "row_counts": {}}'
    )


@pytest.mark.usefixtures("release")
def test_everybody_who_carries_an_address_owns_it(settings: Settings, store: Store) -> None:
    customers = Customers(settings, store)
    assert owners(customers, PHONE) == ["cus_1", "cus_2"]
    assert owners(customers, "siobhan@example.com") == ["cus_4"]
    assert owners(customers, "+447911000000") == []


def test_without_a_release_the_owners_are_unknown(settings: Settings, store: Store) -> None:
    with pytest.raises(ReleaseError):
        owners(Customers(settings, store), PHONE)


def test_in_this_process_it_takes_a_free_port_and_says_where(
    settings: Settings, store: Store, clock: Clock
) -> None:
    with running(settings, store, clock) as hooks:
        assert hooks.settings.public_url == hooks.base_url
        assert hooks.inbound_url == f"{hooks.base_url}/webhooks/twilio/inbound"
        assert httpx.post(hooks.inbound_url).status_code == 403
        assert httpx.get(f"{hooks.base_url}/healthz").status_code == 200


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_serves_and_ends_when_told(told: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "RAPPORT_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "messaging.webhooks", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(300):
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["store"] == "current"
                break
            except httpx.ConnectError:
                time.sleep(0.1)
    finally:
        process.send_signal(told)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.count("Traceback")) == (0, 0)


def test_as_a_process_it_ends_with_a_sentence_when_its_store_was_upgraded(
    store: Store, settings: Settings, tmp_path: Path, post: Any, form: Any
) -> None:
    port = free_port()
    environment = {**os.environ, "RAPPORT_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "messaging.webhooks", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    post.client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", trust_env=False
    )  # signs for our public address
    for _ in range(300):
        try:
            assert post.signed("/webhooks/twilio/status", form("sent")).status_code == 204
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert post.signed("/webhooks/twilio/status", form("delivered")).status_code == 503
    _, errors = process.communicate(timeout=20)
    post.client.close()
    assert process.returncode == 1
    assert "was upgraded to schema 9999 while this process" in errors
    assert "Traceback" not in errors
    with store.read() as connection:
        assert connection.execute(select(provider_events.c.status)).scalars().all() == ["sent"]


def test_as_a_process_on_a_taken_port_it_says_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "RAPPORT_HOME": str(tmp_path / "home")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "messaging.webhooks", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("Stop what holds it, or choose another port.")
    assert "Traceback" not in ended.stderr
