"""Mails become email_messages: who wrote to whom, in which thread, and what was newly written.

Which side is the customer's is told by the company's own addresses and domains. Where none are known, nothing is
inferred: the sender is the customer.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

from data_contracts.errors import InputError
from messaging.settings import Settings
from pipelines.landing.staging import UNREADABLE
from pipelines.settings import own_domains
from pipelines.sources.html_text import html_text
from pipelines.sources.mailbox import read_messages
from pipelines.sources.reply import new_text

VERSION = "mail-1"
SUFFIXES = (".eml", ".mbox", ".mbx")
MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
KEPT_HEADERS = ("From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "In-Reply-To", "References")
Record = dict[str, str | None]
Address = tuple[str, str]  # name, address


def read_mail(files: Iterable[Path], settings: Settings) -> Iterator[Record]:
    """Read mails as canonical records of email_messages. Raises InputError for a file that is none or is cut off."""
    own = own_sides(settings)
    without_id: Counter[str] = Counter()
    for path in files:
        for raw in read_messages(path):
            yield _record(path, raw, own, without_id)


def own_sides(settings: Settings) -> frozenset[str]:
    """Give the domains that are the company's own."""
    return frozenset(own_domains(settings))


def _record(path: Path, raw: bytes, own: frozenset[str], without_id: Counter[str]) -> Record:
    message = BytesParser(policy=compat32).parsebytes(raw)
    _refuse_cut(path, message)
    message_id = _ids(message, "Message-ID")[:1] or [_made_id(raw, without_id)]
    references, answered = _ids(message, "References"), _ids(message, "In-Reply-To")
    writers, readers = _addresses(message, "From"), _addresses(message, "To", "Cc", "Delivered-To")
    outbound = bool(writers) and _is_own(writers[0], own)
    others = [reader for reader in readers if not _is_own(reader, own)] if outbound else writers
    customer = others[0] if others else ("", "")
    given, family = _names(customer[0])
    text = _text(message)
    return {
        "source": "mail",
        "source_record_id": f"message/{message_id[0]}",
        "occurred_at": _moment(message),
        "message_id": message_id[0],
        "thread_id": (references or answered or message_id)[0],
        "direction": "outbound" if outbound else "inbound",
        "email": customer[1],
        "given_name": given,
        "family_name": family,
        "from_email": writers[0][1] if writers else None,
        "to_email": readers[0][1] if readers else None,
        "subject": _words(message.get("Subject")),
        "body_text": new_text(text),
        "in_reply_to": answered[0] if answered else None,
        "attachment_count": str(sum(1 for part in message.walk() if _attached(part))),
        "raw_record": _raw(message, text),
    }


def _refuse_cut(path: Path, message: Message) -> None:
    names = {type(defect).__name__ for part in message.walk() for defect in part.defects}
    if names & {"CloseBoundaryNotFoundDefect", "StartBoundaryNotFoundDefect"}:
        name = (_ids(message, "Message-ID") or ["without a Message-ID"])[0]
        raise InputError(
            f"The mail {name} in {path} is cut off: one of its parts has no end.", "Export it again."
        )


def _made_id(raw: bytes, without_id: Counter[str]) -> str:
    """Name a mail without Message-ID after its content; the ordinal tells identical ones apart."""
    digest = hashlib.sha256(raw.strip()).hexdigest()[:16]
    without_id[digest] += 1
    return f"{digest}-{without_id[digest]}"


def _ids(message: Message, header: str) -> list[str]:
    """Give the message ids in a header, without their angle brackets."""
    text = str(message.get(header) or "")
    return MESSAGE_ID.findall(text) or text.split()


def _addresses(message: Message, *headers: str) -> list[Address]:
    found = getaddresses([str(text) for header in headers for text in message.get_all(header, [])])
    return [(_words(name), address.strip().lower()) for name, address in found if "@" in address]


def _is_own(address: Address, own: frozenset[str]) -> bool:
    return address[1].rpartition("@")[2] in own


def _names(shown: str) -> tuple[str, str]:
    """Split a display name: "Ann Lee" or "Lee, Ann"; an address instead of a name is none."""
    if "@" in shown:
        return "", ""
    if "," in shown:
        family, _, given = shown.partition(",")
        return given.strip(), family.strip()
    given, _, family = shown.partition(" ")
    return given, family.strip()


def _moment(message: Message) -> str | None:
    """Give when a mail was written, naive UTC; when it was received where it bears no date of its own."""
    text = str(message.get("Date") or str(message.get("Received") or "").rpartition(";")[2]).strip()
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return f"{UNREADABLE}{text}"
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _plain(aware.astimezone(UTC)) if 1 < aware.year < 9999 else f"{UNREADABLE}{text}"


def _plain(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _words(header: object) -> str:
    """Decode a header (RFC 2047); what its charset cannot read becomes a replacement sign."""
    text = re.sub(r"\r?\n\s+", " ", str(header or ""))
    if "=?" not in text:
        return text.strip()
    try:
        parts = decode_header(text)
    except (MessageError, ValueError):
        return text.strip()
    return "".join(
        part if isinstance(part, str) else _decoded(part, charset or "utf-8") for part, charset in parts
    ).strip()


def _text(message: Message) -> str:
    """Give the text that a reader sees: the plain part, else the HTML one as text."""
    shown = [part for part in message.walk() if not part.is_multipart() and not _attached(part)]
    plain = next((part for part in shown if part.get_content_type() == "text/plain"), None)
    if plain is not None and (words := _content(plain)).strip():
        return words
    markup = next((part for part in shown if part.get_content_type() == "text/html"), None)
    return html_text(_content(markup)) if markup is not None else ""


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _decoded(payload, part.get_content_charset() or "utf-8") if isinstance(payload, bytes) else ""


def _decoded(content: bytes, charset: str) -> str:
    """Decode bytes; an unknown charset is tried as UTF-8, and what does not fit becomes a replacement sign."""
    for name in (charset, "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", errors="replace")


def _attached(part: Message) -> bool:
    if part.is_multipart():
        return False
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _raw(message: Message, text: str) -> str:
    headers = {name: _words(message.get(name)) for name in KEPT_HEADERS if message.get(name)}
    return json.dumps({"headers": headers, "text": text}, ensure_ascii=False)
