"""What the sandbox's pages show, as plain data: numbers as people write them, days, bubbles, ticks (pure)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import groupby
from zoneinfo import ZoneInfo

import phonenumbers
from markupsafe import Markup

from messaging.sandbox.mail import Mail
from messaging.sandbox.messages import Message

PREVIEW = 110
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_PROGRESS = {
    "accepted": ("waiting", "On its way"),
    "scheduled": ("waiting", "Scheduled"),
    "queued": ("waiting", "On its way"),
    "sending": ("waiting", "On its way"),
    "sent": ("sent", "Sent"),
    "delivered": ("delivered", "Delivered"),
    "read": ("read", "Read"),
    "received": ("delivered", "Delivered"),
    "undelivered": ("failed", "Not delivered"),
    "failed": ("failed", "Not sent"),
    "canceled": ("failed", "Cancelled"),
}


@dataclass(frozen=True)
class Bubble:
    """One message on a phone. `mine` is what the phone's owner wrote."""

    mine: bool
    automatic: bool
    body: Markup
    time: str
    progress: str  # waiting | sent | delivered | read | failed
    words: str
    segments: int


@dataclass(frozen=True)
class Day:
    """The bubbles of one day."""

    name: str
    bubbles: list[Bubble]


@dataclass(frozen=True)
class PhoneRow:
    """One phone in the list."""

    number: str
    shown: str
    initials: str
    hue: int
    preview: str
    when: str
    count: int
    opted_out: bool
    failed: bool


@dataclass(frozen=True)
class MailRow:
    """One mail in the list."""

    number: int
    sender: str
    recipient: str
    subject: str
    preview: str
    when: str
    initials: str
    hue: int


def show_number(number: str) -> str:
    """Write a number as people do, with spaces; whatever is no number stays as it is."""
    prefix = "WhatsApp " if number.startswith("whatsapp:") else ""
    bare = number.removeprefix("whatsapp:")
    try:
        parsed = phonenumbers.parse(bare, None)
    except phonenumbers.NumberParseException:
        return prefix + bare
    return prefix + str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def hue(text: str) -> int:
    """Give a colour that is always the same for the same text."""
    return sum(ord(letter) * (place + 7) for place, letter in enumerate(text)) * 47 % 360


class Eyes:
    """Reads times as somebody in `time_zone` does; `now` is naive UTC."""

    def __init__(self, time_zone: str, now: datetime) -> None:
        self._zone = ZoneInfo(time_zone)
        self._today = self._local(now).date()

    def time(self, moment: datetime) -> str:
        """Give the time of day."""
        return f"{self._local(moment):%H:%M}"

    def day(self, moment: datetime) -> str:
        """Give the day in words."""
        local = self._local(moment)
        if local.date() == self._today:
            return "Today"
        return f"{local:%A} {local.day} {local:%B}" + (
            "" if local.year == self._today.year else f" {local.year}"
        )

    def date(self, moment: datetime) -> str:
        """Give the date in words."""
        local = self._local(moment)
        return f"{local:%A} {local.day} {local:%B} {local.year}"

    def short(self, moment: datetime) -> str:
        """Give the time if it was today, else the date."""
        local = self._local(moment)
        return self.time(moment) if local.date() == self._today else f"{local.day} {local:%b}"

    def _local(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(self._zone)


def days(thread: Sequence[Message], eyes: Eyes) -> list[Day]:
    """Give the bubbles of a phone by day, oldest first."""
    return [
        Day(name, [_bubble(message, eyes) for message in messages])
        for name, messages in groupby(thread, lambda message: eyes.day(message.created_at))
    ]


def _bubble(message: Message, eyes: Eyes) -> Bubble:
    progress, words = _PROGRESS[message.status]
    if progress == "failed" and message.error_code:
        words = f"{words} · error {message.error_code}"
    return Bubble(
        mine=message.direction == "inbound",
        automatic=message.direction == "outbound-reply",
        body=link(message.body),
        time=eyes.time(message.created_at),
        progress=progress,
        words=words,
        segments=message.segments,
    )


def link(text: str) -> Markup:
    """Escape a text whole, and make its web addresses links."""
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts.append(Markup.escape(text[at : found.start()]))
        parts.append(
            Markup('<a href="{0}" target="_blank" rel="noreferrer noopener">{0}</a>').format(found.group())
        )
        at = found.end()
    parts.append(Markup.escape(text[at:]))
    return Markup("").join(parts)


def phone_rows(phones: dict[str, list[Message]], stopped: Iterable[str], eyes: Eyes) -> list[PhoneRow]:
    """Give the list of phones, in the order they come."""
    out = set(stopped)
    return [_phone_row(number, thread, number in out, eyes) for number, thread in phones.items()]


def _phone_row(number: str, thread: Sequence[Message], opted_out: bool, eyes: Eyes) -> PhoneRow:  # noqa: FBT001
    last = thread[-1]
    mark = "You: " if last.direction == "inbound" else ""
    return PhoneRow(
        number=number,
        shown=show_number(number),
        initials=number[-2:],
        hue=hue(number),
        preview=mark + shorten(last.body),
        when=eyes.short(last.created_at),
        count=len(thread),
        opted_out=opted_out,
        failed=last.status in {"failed", "undelivered"},
    )


def shorten(text: str) -> str:
    """Give the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW else line[: PREVIEW - 1].rstrip() + "…"


def mail_row(mail: Mail, eyes: Eyes) -> MailRow:
    """Give one line of the list of mails."""
    parsed = mail.parse()
    recipient = header(parsed, "To") or ", ".join(mail.envelope_to)
    return MailRow(
        number=mail.number,
        sender=header(parsed, "From") or mail.envelope_from,
        recipient=recipient,
        subject=header(parsed, "Subject") or "(no subject)",
        preview=shorten(part(parsed, "plain") or ""),
        when=eyes.short(mail.received_at),
        initials=(recipient.strip('"<')[:1] or "?").upper(),
        hue=hue(recipient),
    )


def header(mail: EmailMessage, name: str) -> str:
    """Give a header as text; one that cannot be read is empty."""
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError):  # the header parser trips over hostile addresses
        return ""


def part(mail: EmailMessage, kind: str) -> str | None:
    """Give the plain or the html part of a mail, or None where there is none that can be read."""
    try:
        found = mail.get_body((kind,))
        return None if found is None else str(found.get_content())
    except (KeyError, LookupError, ValueError, AttributeError):  # unknown charset, broken structure
        return None
