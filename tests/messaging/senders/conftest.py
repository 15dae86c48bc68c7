"""A provider's API over real HTTP that answers as it is told and keeps every request as it came."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from messaging.senders.twilio_account import TwilioAccount

SID = "AC" + "1" * 32


@dataclass(frozen=True)
class Asked:
    """One request: `pairs` are its form's or its query's, in order; `document` its JSON."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    document: Any
    headers: dict[str, str]

    @property
    def form(self) -> dict[str, str]:
        """Give the fields, of which each came once."""
        assert len(dict(self.pairs)) == len(self.pairs)
        return dict(self.pairs)


class Api(ThreadingHTTPServer):
    """Answers with `answer`: a status, a document (or text) and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.answer: tuple[int, Any, dict[str, str]] = (201, {}, {})
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = self.headers["Content-Type"] == "application/json"
        pairs = [] if is_json else parse_qsl(raw, keep_blank_values=True)
        self._take(pairs, json.loads(raw) if is_json else None)

    def do_GET(self) -> None:
        self._take(parse_qsl(urlsplit(self.path).query, keep_blank_values=True), None)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass

    def _take(self, pairs: list[tuple[str, str]], document: Any) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(Asked(self.command, path, pairs, document, dict(self.headers)))
        status, answer, headers = self.server.answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def account(api: Api) -> TwilioAccount:
    return TwilioAccount(SID, "token", api.url, "https://hooks.example.com", "+15005550006")
