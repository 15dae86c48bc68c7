"""What messaging's tests share: a home, a store, a clock that stands still, an outbox, a provider."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import Row, insert, select

from messaging import outbox
from messaging.addresses import Addresses, read_addresses
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent, append
from messaging.senders.base import Accepted, OutboundMessage, Outcome, ProviderRecord, Unknown
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import attempts, campaign_runs, messages, suppressions

NOON = datetime.fromisoformat("2026-10-30T12:00")  # a Friday; London is on UTC
SETTING_PREFIXES = ("RAPPORT_", "TWILIO_", "SENDGRID_")


DATABASES = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith(SETTING_PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that takes the store on both databases, but for those of what only one of them has."""
    if "store" in metafunc.fixturenames:
        only = [name for name in DATABASES if metafunc.definition.get_closest_marker(name)]
        metafunc.parametrize("database", only or DATABASES, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name the database of this test; settings that are read in it, and in its processes, lead there."""
    name = getattr(request, "param", "sqlite")
    if name == "postgresql":
        monkeypatch.setenv("RAPPORT_STORE_URL", request.getfixturevalue("postgresql_url"))
    return str(name)


@pytest.fixture
def settings(home: Path, database: str) -> Settings:
    return read_settings(home=home)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


GRANT = {
    "purpose": "marketing",
    "legal_basis": "consent",
    "action": "grant",
    "occurred_at": NOON - timedelta(days=30),
    "source": "test",
    "actor": "test",
    "method": "form",
}


class Outbox:
    """Puts messages to consenting people into a store: what a planner would do."""

    def __init__(self, store: Store, addresses: Addresses) -> None:
        self.store = store
        self.addresses = addresses

    def run(self, state: str = "running", **values: Any) -> str:
        """Store a campaign run; give its id."""
        run_id = new_id("run")
        row = {
            "campaign": "win_back",
            "content_hash": "0",
            "content": {},
            "release_version": "1",
            "planned_at": NOON,
            "planned_by": "test",
        }
        with self.store.write() as connection:
            connection.execute(insert(campaign_runs).values(run_id=run_id, state=state, **(row | values)))
        return run_id

    def put(
        self,
        count: int = 1,
        *,
        first: int = 0,
        run_id: str | None = None,
        consent: bool = True,
        **values: Any,
    ) -> list[str]:
        """Queue `count` SMS to as many Londoners, numbered from `first`; give the ids of the messages."""
        planned = [self._message(number, run_id, values) for number in range(first, first + count)]
        grants = [
            ConsentEvent(customer_id=one.customer_id, channel=one.channel, **GRANT)
            for one in planned
            if consent
        ]
        with self.store.write() as connection:
            append(connection, grants, NOON)
            outbox.insert_planned(connection, planned, NOON, queued=True)
        return [one.message_id for one in planned]

    def _message(self, number: int, run_id: str | None, values: dict[str, Any]) -> outbox.PlannedMessage:
        address = values.get("address", f"+4420794{60000 + number}")
        plain = {
            "message_id": new_id("msg"),
            "customer_id": f"cus_{number}",
            "channel": "sms",
            "address": address,
            "address_hash": self.addresses.hash(address),
            "body": f"Hello number {number}",
            "time_zone": "Europe/London",
            "country": "GB",
            "run_id": run_id,
        }
        return outbox.PlannedMessage(**(plain | values))

    def row(self, message_id: str) -> Row[Any]:
        """Read one message as it stands."""
        with self.store.read() as connection:
            return connection.execute(select(messages).where(messages.c.message_id == message_id)).one()

    def attempts(self, message_id: str) -> Sequence[Row[Any]]:
        """Read the calls made for a message, the first one first."""
        rows = select(attempts).where(attempts.c.message_id == message_id).order_by(attempts.c.number)
        with self.store.read() as connection:
            return connection.execute(rows).all()

    def states(self) -> dict[str, int]:
        """Count the messages by state."""
        with self.store.read() as connection:
            return outbox.counts(connection)

    def suppressions(self) -> dict[str, str]:
        """Read the reason of each suppressed address hash."""
        with self.store.read() as connection:
            rows = connection.execute(select(suppressions.c.address_hash, suppressions.c.reason))
            return {str(row[0]): str(row[1]) for row in rows}


class FakeProvider:
    """A provider in memory: keeps what it accepted, and answers as told (one answer a call, then yes)."""

    provider = "twilio"
    can_find = True

    def __init__(self) -> None:
        self.accepted: list[OutboundMessage] = []
        self.records: list[ProviderRecord] = []
        self.answers: list[Outcome | Callable[[OutboundMessage], Outcome]] = []
        self.calls = 0
        self._lock = threading.Lock()

    def send(self, message: OutboundMessage) -> Outcome:
        """Give the next answer that was laid down, else accept."""
        with self._lock:
            self.calls += 1
            answer = self.answers.pop(0) if self.answers else self.accept
        return answer(message) if callable(answer) else answer

    def accept(self, message: OutboundMessage) -> Accepted:
        """Take a message and keep it."""
        with self._lock:
            self.accepted.append(message)
            sid = f"SM{len(self.accepted):032x}"
            now = datetime.now(UTC).replace(tzinfo=None)
            self.records.append(ProviderRecord(sid, message.to, message.body, "queued", now))
        return Accepted(sid)

    def accept_and_break_off(self, message: OutboundMessage) -> Unknown:
        """Take a message, but let the caller never learn of it."""
        self.accept(message)
        return Unknown("The connection to the provider broke.")

    def find(self, message: OutboundMessage, since: datetime) -> list[ProviderRecord]:
        """List what was accepted for this number, newest first."""
        return [one for one in reversed(self.records) if one.to == message.to and one.created_at >= since]


@pytest.fixture
def addresses(settings: Settings, store: Store) -> Addresses:
    return read_addresses(settings, store)


@pytest.fixture
def outbox_of(store: Store, addresses: Addresses) -> Outbox:
    return Outbox(store, addresses)


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def mail() -> FakeProvider:
    """Give a second provider, for another channel."""
    return FakeProvider()


class Wire(ThreadingHTTPServer):
    """Twilio's Messages resource over HTTP, as small as a crash test needs: it keeps what it accepted.

    `faults` are used up one a POST: a status code to answer with instead, "drop_after" to hang up once it has
    accepted, "drop_before" to hang up at once, or a function of the handler. `requests` are what came.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WireHandler)
        self.accepted: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.faults: list[Any] = []
        self.latency = 0.0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed."""


class _WireHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Wire

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        with self.server.lock:
            self.server.requests.append(("POST", self.path, form, self.headers))
            fault = self.server.faults.pop(0) if self.server.faults else None
        time.sleep(self.server.latency)
        if callable(fault):
            fault(self)
        elif isinstance(fault, tuple):
            self.reply(*fault)
        elif fault == "drop_before":
            self.hang_up()
        else:
            record = self._accept(form)
            self.hang_up() if fault == "drop_after" else self.reply(201, record)

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        with self.server.lock:
            self.server.requests.append(("GET", self.path, query, self.headers))
            found = [one for one in reversed(self.server.accepted) if one["to"] == query.get("To")]
        self.reply(200, {"messages": found, "page": 0, "page_size": 50, "next_page_uri": None})

    def reply(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass

    def _accept(self, form: dict[str, str]) -> dict[str, Any]:
        with self.server.lock:
            record = {
                "sid": f"SM{len(self.server.accepted) + 1:032x}",
                "to": form["To"],
                "from": form.get("From"),
                "body": form["Body"],
                "status": "queued",
                "num_segments": "1",
                "error_code": None,
                "date_created": format_datetime(datetime.now(UTC)),
                "status_callback": form.get("StatusCallback"),
            }
            self.server.accepted.append(record)
            return record


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
