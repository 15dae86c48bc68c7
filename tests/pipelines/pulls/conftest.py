"""A small HTTP server that answers as a test tells it, and a home of its own for each test."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from pipelines.pulls.files import load_pull
from pipelines.pulls.running import Order, PullReport, run_pull

NOON = datetime.fromisoformat("2026-10-30T12:00")
PREFIXES = ("RAPPORT_", "TWILIO_", "SENDGRID_", "SHOPIFY_", "STRIPE_", "KLAVIYO_", "MAILCHIMP_", "ZENDESK_")


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is answered: a document, a status and headers."""

    document: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Vendor:
    """A server on this machine; `answer` decides what each request gets, and `asked` keeps them."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = lambda _: Answer({"error": "nothing here"}, 404)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                vendor.asked.append(asked)
                answer = vendor.answer(asked)
                content = json.dumps(answer.document).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - the name is the library's

            def log_message(self, *_: object) -> None:
                return

        return Handler


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of whoever runs the tests out of them, and dlt's folder out of their home."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once: what is tested is that it is asked again."""
    monkeypatch.setattr("pipelines.pulls.reaching.BACKOFF_SECONDS", 0.01, raising=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


def write_pull(settings: Settings, name: str, document: dict[str, Any]) -> Path:
    """Write a pull file of the company's own."""
    folder = settings.home / "pulls"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def pull(settings: Settings, name: str, order: Order | None = None, clock: Clock | None = None) -> PullReport:
    """Run a pull once."""
    return run_pull(settings, clock or Clock(NOON), load_pull(settings, name), order or Order())
