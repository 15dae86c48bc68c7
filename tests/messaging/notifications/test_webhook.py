"""A webhook: signed, posted once, and never to what stands behind our firewall."""

import hashlib
import hmac
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from messaging.notifications.webhook import SIGNATURE, Webhook, is_public, read_webhook
from messaging.settings import Settings

KEY = b"k" * 32


class Catcher(ThreadingHTTPServer):
    """Answers with `status`, and keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.came: list[tuple[str, Any, bytes]] = []
        self.url = f"http://localhost:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Catcher

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append((self.path, self.headers, body))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    with Catcher() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def own_machine(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_it_posts_json_that_its_receiver_can_hold_against_the_key(catcher: Catcher) -> None:
    assert (
        Webhook(KEY, sandboxed=True, resolve=own_machine).post(f"{catcher.url}/in?a=1", {"text": "red"}) == ""
    )
    [(path, headers, body)] = catcher.came
    assert (path, json.loads(body)) == ("/in?a=1", {"text": "red"})
    assert headers["Host"] == f"localhost:{catcher.server_port}"
    signed = re.fullmatch(r"t=(\d{10}),v1=([0-9a-f]{64})", headers[SIGNATURE])
    assert signed
    assert signed[2] == hmac.new(KEY, signed[1].encode() + b"." + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("status", "told"),
    [(302, "It answered 302. Name the address where it leads."), (404, "It answered 404."), (500, "It answered 500.")],
)  # fmt: skip
def test_what_is_not_taken_is_told_and_a_redirect_is_not_followed(
    catcher: Catcher, status: int, told: str
) -> None:
    catcher.status = status
    assert Webhook(KEY, sandboxed=True, resolve=own_machine).post(catcher.url, {}) == told
    assert len(catcher.came) == 1


def test_one_that_does_not_answer_or_has_no_address_is_told_without_naming_it(catcher: Catcher) -> None:
    catcher.server_close()
    refused = Webhook(KEY, sandboxed=True, resolve=own_machine).post(catcher.url, {})
    assert refused.startswith("It did not answer as it should")

    def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError("secret.example")

    assert Webhook(KEY, sandboxed=False, resolve=nowhere).post("https://secret.example", {}) == (
        "Its name cannot be resolved."
    )


PRIVATE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",  # noqa: S104
    "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_never_called_in_live_mode_not_even_beside_a_public_one(
    address: str, never: Callable[..., None]
) -> None:
    assert not is_public(address)
    for found in ([address], ["93.184.215.14", address]):
        webhook = Webhook(KEY, sandboxed=False, resolve=lambda _host, _port, found=found: found)
        assert webhook.post("https://hooks.example.com/", {}) == "Its address is not a public one."


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fail where anything is called at all."""

    def call(*_: object, **__: object) -> None:
        raise AssertionError("something was called")

    monkeypatch.setattr("messaging.notifications.webhook._pool", call)
    return call


def test_the_checked_address_is_the_one_that_is_called_whatever_the_name_leads_to_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[object, ...]] = []

    def call(*given: object) -> None:
        asked.append(given)
        raise AssertionError

    monkeypatch.setattr("messaging.notifications.webhook._pool", call)
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    webhook = Webhook(KEY, sandboxed=False, resolve=lambda _host, _port: next(answers))
    with pytest.raises(AssertionError):
        webhook.post("https://hooks.example.com/", {})
    assert asked == [("https", "hooks.example.com", 443, "93.184.215.14")]


def test_live_mode_posts_by_https_alone(never: Callable[..., None]) -> None:
    webhook = Webhook(KEY, sandboxed=False, resolve=lambda _host, _port: ["93.184.215.14"])
    assert (
        webhook.post("http://hooks.example.com/", {})
        == "Its address has to begin with https:// in live mode."
    )


@pytest.mark.parametrize("address", ["93.184.215.14", "10.0.0.1"])
def test_sandbox_mode_calls_this_machine_alone(never: Callable[..., None], address: str) -> None:
    webhook = Webhook(KEY, sandboxed=True, resolve=lambda _host, _port: ["127.0.0.1", address])
    assert webhook.post("https://hooks.example.com/", {}) == "Its address is not on this machine."


def test_the_key_is_made_once_and_only_its_owner_may_read_it(settings: Settings) -> None:
    first, second = read_webhook(settings), read_webhook(settings)
    assert first.key == second.key
    assert first.sandboxed
    assert (settings.secrets_dir / "notifications.key").stat().st_mode & 0o077 == 0


@dataclass(frozen=True)
class Certified:
    """A server on this machine with a certificate for hooks.example.com, and who vouches for it."""

    server: Catcher
    asked_for: list[str | None]
    authority: str


@pytest.fixture
def certified(catcher: Catcher, tmp_path: Path) -> Certified:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, own = tmp_path / "certificate.pem", tmp_path / "key.pem"
    shown.write_bytes(certificate.public_bytes(Encoding.PEM))
    own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, own)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    catcher.socket = context.wrap_socket(catcher.socket, server_side=True)
    return Certified(catcher, asked, shown.read_text())


def test_by_https_the_checked_address_is_called_and_its_certificate_held_against_the_name(
    certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = Webhook(KEY, sandboxed=True, resolve=own_machine)
    port = certified.server.server_port
    told = "It did not answer as it should (SSLError)."
    assert (
        webhook.post(f"https://hooks.example.com:{port}/in", {"text": "red"}) == told
    )  # nobody vouches for it
    trusting = ssl.create_default_context(cadata=certified.authority)
    monkeypatch.setattr("messaging.notifications.webhook.ssl.create_default_context", lambda: trusting)
    assert webhook.post(f"https://hooks.example.com:{port}/in", {"text": "red"}) == ""
    assert webhook.post(f"https://other.example.com:{port}/in", {"text": "red"}) == told
    assert certified.asked_for == ["hooks.example.com", "hooks.example.com", "other.example.com"]
    assert len(certified.server.came) == 1
