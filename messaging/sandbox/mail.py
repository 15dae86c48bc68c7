"""The mail catcher: an SMTP server on loopback that keeps the last mails and sends none on."""

import base64
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from data_contracts.errors import ServiceError
from messaging.sandbox.journal import Journal
from messaging.sandbox.settings import SandboxSettings


@dataclass(frozen=True)
class Mail:
    """One mail as it came; `received_at` is naive UTC."""

    number: int
    received_at: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    raw: bytes

    def parse(self) -> EmailMessage:
        """Read headers and parts."""
        return message_from_bytes(self.raw, policy=policy.default)


class Mailbox:
    """The last mails; every method may be called from any thread."""

    def __init__(self, kept: int, now: Callable[[], datetime], journal: Journal) -> None:
        self._kept = kept
        self._now = now
        self._journal = journal
        self._numbers = itertools.count(1)
        self._mails: dict[int, Mail] = {}
        self._lock = threading.RLock()
        journal.keep = self.entries

    def restore(self, entries: list[dict[str, Any]]) -> None:
        """Take up what a journal kept."""
        with self._lock:
            for entry in entries:
                self._put(_from_entry(entry))
            self._numbers = itertools.count(max(self._mails, default=0) + 1)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Give what a journal has to keep."""
        for mail in reversed(self.newest_first()):
            yield _entry(mail)

    def add(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> Mail:
        """Keep a mail; the oldest goes when there are too many."""
        with self._lock:
            mail = Mail(next(self._numbers), self._now(), sender, recipients, raw)
            self._put(mail)
            self._journal.write(_entry(mail))
            self._journal.compact()
            return mail

    def get(self, number: int) -> Mail | None:
        """Give a mail by its number."""
        with self._lock:
            return self._mails.get(number)

    def newest_first(self) -> list[Mail]:
        """Give every mail, the newest first."""
        with self._lock:
            return list(reversed(self._mails.values()))

    def _put(self, mail: Mail) -> None:
        self._mails[mail.number] = mail
        while len(self._mails) > self._kept:
            del self._mails[next(iter(self._mails))]


class _Catcher:
    """aiosmtpd's handler: keeps each mail in the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 (its name)
        raw = envelope.content
        assert isinstance(raw, bytes)
        mail = self.mailbox.add(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw)
        return f"250 OK: queued as {mail.number}"


@contextmanager
def catching(mailbox: Mailbox, settings: SandboxSettings, host: str, port: int) -> Iterator[int]:
    """Take mails by SMTP while the block runs, and give the port; port 0 takes a free one.

    Raises ServiceError when the port is taken.
    """
    port = _usable_port(host, port)
    controller = Controller(
        _Catcher(mailbox),
        hostname=host,
        port=port,
        data_size_limit=settings.mail_bytes,
        ident="Rapport sandbox",
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _usable_port(host: str, port: int) -> int:
    """Give a port that is free; aiosmtpd alone would take five seconds to say that one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise ServiceError(
                f"SMTP port {port} on {host} cannot be used: {error.strerror or error}.",
                "Stop what holds it, or choose another with --smtp-port.",
            ) from None
        return int(probe.getsockname()[1])


def _entry(mail: Mail) -> dict[str, Any]:
    return {
        "number": mail.number,
        "received_at": mail.received_at.isoformat(),
        "from": mail.envelope_from,
        "to": mail.envelope_to,
        "raw": base64.b64encode(mail.raw).decode(),
    }


def _from_entry(entry: dict[str, Any]) -> Mail:
    return Mail(
        entry["number"],
        datetime.fromisoformat(entry["received_at"]),
        entry["from"],
        tuple(entry["to"]),
        base64.b64decode(entry["raw"]),
    )
