"""Delivery reports by mail (RFC 3464): what a mail server could not deliver, of the mails that we sent.

By SMTP nobody tells us later what became of a mail but the servers on its way, and they write a mail. Anybody can write
one; so a report counts where it gives back the Message-ID of a message that we sent to the very address that it names,
which nobody else knows. It suppresses the address where its status says that there is none (5.1.x, RFC 3463, 3.2).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from itertools import islice

from sqlalchemy import Connection, Row, select

from messaging import consent
from messaging.addresses import Addresses, normalise_email
from messaging.outbox import StatusUpdate, apply_status, lock_all
from messaging.store.tables import messages
from messaging.webhooks.posted_mails import MOST_PARTS, read_parts, read_whole

PROVIDER = "smtp"  # of a message whose call never ended: nobody else gives mails our ids
SOURCE = "delivery_report"
MOST = 20  # recipients of one report; our mails have one
MOST_FILES = 10  # of a post that are looked into
MOST_OF_FILE = 64 * 1024  # a mail that is given back begins with its headers
_MARK = b"delivery-status"
_ORIGINALS = {"message/rfc822", "message/global"}
_HEADERS = {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
_STATUSES = {"message/delivery-status", "message/global-delivery-status"}
_REPORTING = _ORIGINALS | _HEADERS | _STATUSES
_OURS = re.compile(r"<((msg_[0-9A-Za-z]{1,64})@[^<>\s]{1,255})>")
_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})")
_NO_SUCH_ADDRESS = {0, 1, 2, 3, 4, 6, 10}  # 5.1.7 and 5.1.8 are about the sender, 5.1.5 says that it is valid
_LEFT_US = ("calling", "accepted", "done", "unknown", "failed")


@dataclass(frozen=True)
class Undelivered:
    """One recipient of a report: which message of ours, to whom by the report's words, and the enhanced status code."""

    message_id: str
    sid: str
    addresses: frozenset[str]
    status: tuple[int, int, int]

    @property
    def is_no_address(self) -> bool:
        """Say whether there is no such address, and never will be."""
        kind, subject, detail = self.status
        return kind == 5 and subject == 1 and detail in _NO_SUCH_ADDRESS


def read_reports(content_type: str, body: bytes) -> list[Undelivered]:
    """Read what a post of Inbound Parse reports as failed for good; nothing where it holds no report of mails of ours."""
    if _MARK not in body:
        return []
    parts = list(_parts(content_type, body))
    named = [found for found in map(_OURS.search, _returned_ids(parts)) if found]
    if not named:
        return []
    sid, message_id = named[0][1], named[0][2]
    failed = [block for part in parts for block in _recipients(part)]
    read = (_read(block, message_id, sid) for block in failed[:MOST])
    return [each for each in read if each is not None]


def record_reports(
    connection: Connection, addresses: Addresses, reports: Iterable[Undelivered], now: datetime
) -> int:
    """Take reports of messages that were sent to the address that they name; give how many those are."""
    return sum(_record(connection, addresses, each, now) for each in reports)


def _record(connection: Connection, addresses: Addresses, report: Undelivered, now: datetime) -> bool:
    lock_all(connection, [report.message_id])
    row = _sent(connection, report.message_id)
    if row is None or row.address_hash not in {addresses.hash(each) for each in report.addresses}:
        return False
    told = {"status": ".".join(map(str, report.status))}
    provider, sid = row.provider or PROVIDER, row.provider_sid or report.sid
    apply_status(connection, StatusUpdate(provider, sid, "bounce", row.message_id, payload=told), now)
    if report.is_no_address:
        consent.suppress(
            connection,
            address_hash=row.address_hash,
            channel="email",
            reason="bounce",
            at=now,
            source=SOURCE,
        )
    return True


def _sent(connection: Connection, message_id: str) -> Row[tuple[str, str, str | None, str | None]] | None:
    table = messages.c
    return connection.execute(
        select(table.message_id, table.address_hash, table.provider, table.provider_sid).where(
            table.message_id == message_id, table.channel == "email", table.state.in_(_LEFT_US)
        )
    ).first()


def _parts(content_type: str, body: bytes) -> Iterator[Message]:
    """Give every part of a posted mail: of the mail itself where it came whole, else of the form and its files."""
    files = 0
    for part in read_parts(content_type, body):
        if part.name == "email":
            yield from islice(read_whole(part.decoded()).walk(), MOST_PARTS)
        elif part.is_file and part.head.get_content_type() in _REPORTING and files < MOST_FILES:
            files += 1
            named = f"Content-Type: {part.head.get_content_type()}\r\n\r\n".encode()
            yield from islice(read_whole(named + part.decoded()[:MOST_OF_FILE]).walk(), MOST_PARTS)


def _returned_ids(parts: Iterable[Message]) -> Iterator[str]:
    """Give the Message-IDs of the mails that a report gives back, whole or by their headers."""
    for part in parts:
        payload = part.get_payload()
        if part.get_content_type() in _ORIGINALS and isinstance(payload, list):
            yield from (str(each.get("Message-ID", "")) for each in payload if isinstance(each, Message))
        elif part.get_content_type() in _HEADERS:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield str(message_from_bytes(content, policy=compat32).get("Message-ID", ""))
            elif isinstance(payload, list):
                yield from (str(each.get("Message-ID", "")) for each in payload if isinstance(each, Message))


def _recipients(part: Message) -> list[Message]:
    """Give the groups of fields of a delivery status that are about a recipient."""
    payload = part.get_payload()
    if part.get_content_type() not in _STATUSES:
        return []
    blocks = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
    return [each for each in blocks if "Final-Recipient" in each or "Original-Recipient" in each]


def _read(block: Message, message_id: str, sid: str) -> Undelivered | None:
    found = _STATUS.match(str(block.get("Status", "")))
    action = str(block.get("Action", "")).strip().lower()
    if found is None or found[1] != "5" or action != "failed":
        return None
    named = (str(block.get(name, "")) for name in ("Original-Recipient", "Final-Recipient"))
    given = (normalise_email(each.partition(";")[2].strip()[:320]) for each in named)
    status = (int(found[1]), int(found[2]), int(found[3]))
    return Undelivered(message_id, sid, frozenset(each for each in given if each), status)
