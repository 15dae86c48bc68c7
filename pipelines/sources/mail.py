"""Mails become email_messages: who wrote to whom, in which thread, what was newly written, and what came with it.

Which side is the customer's is told by the company's own addresses and domains. Where none are known, nothing is
inferred: the sender is the customer.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from data_contracts.errors import InputError
from messaging.settings import Settings
from pipelines.landing.staging import UNREADABLE
from pipelines.settings import own_domains
from pipelines.sources.attachments import Attachment, Shelf, is_file, is_inline, limits
from pipelines.sources.charsets import decoded
from pipelines.sources.encoded_words import words
from pipelines.sources.mail_headers import Address, addresses, delivered_to, ids, moment, split_name
from pipelines.sources.mail_kinds import Failure, Kind, find_failures, find_kind
from pipelines.sources.mail_text import Shown, shown_text
from pipelines.sources.mailbox import RawMail, read_messages
from pipelines.sources.mime import Part, parse_mail
from pipelines.sources.reply import new_text

VERSION = "mail-2"
LONGEST_ID = 480  # characters of a Message-ID that is a record's name; a longer one is named by its hash
REPORTS = re.compile(
    rb"delivery-status|feedback-report|x-failed-recipients|mailer-daemon|postmaster@", re.IGNORECASE
)
BLOCK = 1 << 22
SHOWN = 2_000  # bytes of a mail of which nothing can be made
MUST_HAVE = frozenset({"from", "to", "date", "subject", "message-id", "received", "sender"})  # one of them
BROKEN = (
    AssertionError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)  # what parsers raise on hostile input
UNREADABLE_MAIL = "unreadable"
CUT_OFF = "cut_off"  # no kind of mail, so that the contract sets it aside
_JSON = json.JSONEncoder(ensure_ascii=False)
KEPT_HEADERS = {name: name.lower() for name in (
    "From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "Precedence", "List-Id", "X-Failed-Recipients",
)}  # fmt: skip
NOBODY: dict[str, str | None] = {"email": None, "given_name": None, "family_name": None}
_FROM_A_PROGRAM = re.compile(r"^(no-?reply|do-?not-?reply|mailer|notifications?|wordpress|forms?)@")
Record = dict[str, str | None]


def read_mail(files: Sequence[Path], settings: Settings) -> Iterator[Record]:
    """Read mails as canonical records of email_messages; attachments are kept on the way.

    A mail that cannot be read becomes a record that the contract sets aside. Raises InputError for a file that holds no
    mails or is cut off.
    """
    reader = MailReader(settings)
    for path in files:
        for raw in read_messages(path, among_others=len(files) > 1):
            yield reader.read(path, raw)


def read_failures(files: Sequence[Path], settings: Settings) -> Iterator[Record]:
    """Read what bounces and complaints report as canonical records of email_events."""
    reader = MailReader(settings)
    for path in files:
        for raw in read_messages(path, among_others=len(files) > 1):
            if REPORTS.search(raw.content):
                yield from reader.failures(raw)


def may_report(path: Path) -> bool:
    """Say whether a file holds what a report of a failure or a complaint would."""
    last = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if REPORTS.search(last + block):
                return True
            last = block[-40:]
    return False


def reader_version(settings: Settings) -> str:
    """Name what the reader does with a file: a file that was read under other settings is read again."""
    kept = limits(settings)
    return f"{VERSION} {' '.join(sorted(own_domains(settings)))} {kept.size} {' '.join(kept.types)}"


class MailReader:
    """Reads one delivery's mails, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.own = frozenset(own_domains(settings))
        self.shelf = Shelf(settings.attachments_dir, limits(settings))
        self.without_id: Counter[str] = Counter()

    def read(self, path: Path, raw: RawMail) -> Record:
        """Make a record of a mail. Raises InputError where it is the last of its file and cut off."""
        mail = parse_mail(raw.content)
        message_id = (ids(mail, "message-id")[:1] or [self._made_id(raw.content)])[0]
        if raw.last and not mail.closed and (mail.children or not mail.content.strip()):
            raise InputError(
                f"The mail {message_id} in {path} is cut off: one of its parts has no end.",
                "Export it again.",
            )
        if MUST_HAVE.isdisjoint(mail.headers):
            return _unreadable(mail, message_id)
        try:
            return self._record(mail, message_id)
        except BROKEN:
            return _unreadable(mail, message_id)

    def failures(self, raw: RawMail) -> Iterator[Record]:
        """Give an event for each address that a bounce or a complaint names."""
        mail = parse_mail(raw.content)
        message_id = _short((ids(mail, "message-id")[:1] or [self._made_id(raw.content)])[0])
        kind = find_kind(mail, words(mail.header("subject")), self.own)
        for number, failure in enumerate(find_failures(mail, kind), 1):
            yield {
                "source": "mail",
                "source_record_id": f"event/{message_id}/{number}",
                "occurred_at": _written(moment(mail)),
                "event_id": f"{message_id[:200]}/{number}",
                "event": failure.event,
                "email": failure.recipient,
                "message_ref": failure.about,
                "reason": failure.reason,
                "raw_record": _JSON.encode(asdict(failure)),
            }

    def _record(self, mail: Part, message_id: str) -> Record:
        shown = shown_text(mail)
        subject = words(mail.header("subject"))
        kind = find_kind(mail, subject, self.own)
        failures = find_failures(mail, kind)
        references, answered = ids(mail, "references"), ids(mail, "in-reply-to")
        sides = _sides(mail, self.own, failures)
        files = [] if kind in {"bounce", "complaint"} else self._files(mail)
        return {
            "source": "mail",
            "source_record_id": f"message/{_short(message_id)}",
            "occurred_at": _written(moment(mail)),
            "message_id": message_id,
            "thread_id": (references or answered or [message_id])[0],
            **(sides | NOBODY if _is_nobodys(kind, sides, failures) else sides),
            "kind": CUT_OFF if _is_cut(mail, shown) else kind,
            "subject": subject,
            "body_text": new_text(shown.text),
            "in_reply_to": answered[0] if answered else None,
            "attachment_count": str(sum(1 for file in files if not file.inline)),
            "attachments": _listed(files),
            "raw_record": _raw(mail, shown.text),
        }

    def _files(self, mail: Part) -> list[Attachment]:
        leaves = list(mail.leaves())
        return [
            self.shelf.take(leaf, cut=not mail.closed and leaf is leaves[-1], inline=is_inline(leaf))
            for leaf in leaves
            if is_file(leaf)
        ]

    def _made_id(self, raw: bytes) -> str:
        """Name a mail without Message-ID after its content; the ordinal tells identical ones apart."""
        digest = hashlib.sha256(raw.strip()).hexdigest()[:16]
        self.without_id[digest] += 1
        return f"{digest}-{self.without_id[digest]}"


def _unreadable(mail: Part, message_id: str) -> Record:
    """Describe a mail of which nothing can be made, so that it is set aside and the others land."""
    return {
        "source": "mail",
        "source_record_id": f"message/{_short(message_id)}",
        "message_id": message_id,
        "kind": UNREADABLE_MAIL,
        "raw_record": _raw(mail, decoded(mail.content[:SHOWN], "utf-8")),
    }


def _sides(mail: Part, own: frozenset[str], failures: list[Failure]) -> Record:
    """Tell who wrote to whom, and which of them is the customer."""
    writers = addresses(mail, "from") or addresses(mail, "sender")
    readers = addresses(mail, "to", "cc", "bcc")
    outbound = bool(writers) and _is_own(writers[0], own)
    others = [reader for reader in readers if not _is_own(reader, own)] if outbound else writers
    asked = [item for item in addresses(mail, "reply-to") if not _is_own(item, own)]
    if asked and (not others or _FROM_A_PROGRAM.match(others[0].address)) and not (outbound and others):
        outbound, others = False, asked  # a form on the web site writes in the customer's name
    customer = Address("", failures[0].recipient) if failures else next(iter(others), Address("", ""))
    given, family = split_name(customer.name)
    return {
        "direction": "outbound" if outbound else "inbound",
        "email": customer.address,
        "given_name": given,
        "family_name": family,
        "from_email": writers[0].address if writers else None,
        "to_email": readers[0].address if readers else delivered_to(mail),
    }


def _is_nobodys(kind: Kind, sides: Record, failures: list[Failure]) -> bool:
    """Say whether no customer wrote or is concerned: a newsletter that we get, or a report that names nobody."""
    if kind == "list":
        return sides["direction"] == "inbound"
    return kind in {"bounce", "complaint"} and not failures


def _is_own(address: Address, own: frozenset[str]) -> bool:
    return address.address.rpartition("@")[2] in own


def _is_cut(mail: Part, shown: Shown) -> bool:
    """Say whether the text itself may be cut: it is the last part of a mail whose last boundary is missing."""
    if mail.closed:
        return False
    if not mail.children:
        return not mail.children and not mail.content.strip()
    *_, last = mail.leaves()
    return any(part is last for part in shown.parts)


def _short(message_id: str) -> str:
    if len(message_id) <= LONGEST_ID:
        return message_id
    return f"sha256-{hashlib.sha256(message_id.encode()).hexdigest()}"


def _written(found: datetime | str | None) -> str | None:
    if isinstance(found, datetime):
        return f"{found.year:04}-{found:%m-%d %H:%M:%S}"
    return f"{UNREADABLE}{found}" if found else None


def _listed(files: list[Attachment]) -> str | None:
    return _JSON.encode([file.to_document() for file in files]) if files else None


def _raw(mail: Part, text: str) -> str:
    headers = {name: words(found) for name, key in KEPT_HEADERS.items() if (found := mail.header(key))}
    return _JSON.encode({"headers": headers, "text": text})
