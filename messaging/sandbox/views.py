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

from messaging.sandbox.calls import Call
from messaging.sandbox.conversations import ChatMessage
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

_CALL_PROGRESS = {
    "queued": ("waiting", "Calling"),
    "ringing": ("waiting", "Ringing"),
    "in-progress": ("waiting", "Speaking"),
    "completed": ("delivered", "Call answered"),
    "busy": ("failed", "Call while busy"),
    "no-answer": ("failed", "Missed call"),
    "failed": ("failed", "Call failed"),
    "canceled": ("failed", "Call cancelled"),
}


@dataclass(frozen=True)
class Bubble:
    """One message or call on a phone, or one message in a chat. `mine` is what its owner wrote."""

    mine: bool
    automatic: bool
    body: Markup
    time: str
    progress: str  # waiting | sent | delivered | read | failed
    words: str
    files: tuple[str, ...] = ()  # their addresses
    call: bool = False


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
class ChatRow:
    """One chat in the list."""

    sid: str
    name: str
    initials: str
    hue: int
    preview: str
    when: str
    count: int


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


def days(thread: Sequence[Message], calls: Sequence[Call], eyes: Eyes) -> list[Day]:
    """Give the bubbles of a phone by day, oldest first: its messages and its calls."""
    bubbles = [(one.created_at, _bubble(one, eyes)) for one in thread]
    bubbles += [(one.created_at, _call(one, eyes)) for one in calls]
    return _by_day(bubbles, eyes)


def chat_days(messages: Sequence[ChatMessage], eyes: Eyes) -> list[Day]:
    """Give the bubbles of a chat by day, oldest first."""
    return _by_day([(one.created_at, _chat_bubble(one, eyes)) for one in messages], eyes)


def _by_day(bubbles: list[tuple[datetime, Bubble]], eyes: Eyes) -> list[Day]:
    ordered = sorted(bubbles, key=lambda one: one[0])
    return [
        Day(name, [bubble for _, bubble in group])
        for name, group in groupby(ordered, lambda one: eyes.day(one[0]))
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
        files=message.media,
    )


def _call(call: Call, eyes: Eyes) -> Bubble:
    progress, words = _CALL_PROGRESS[call.status]
    if call.status == "completed":
        words = f"{words} · {call.duration // 60}:{call.duration % 60:02d}"
    if call.script.error:
        words = f"{words} · TwiML error {call.script.error}"
    return Bubble(
        mine=False,
        automatic=False,
        body=Markup.escape(" ".join(one.words for one in call.script.heard) or "(nothing was said)"),
        time=eyes.time(call.created_at),
        progress=progress,
        words=words,
        call=True,
    )


def _chat_bubble(message: ChatMessage, eyes: Eyes) -> Bubble:
    return Bubble(
        mine=message.source == "SDK",
        automatic=False,
        body=link(message.body),
        time=eyes.time(message.created_at),
        progress="sent",
        words="",
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


def phone_rows(
    phones: dict[str, list[Message]], calls: dict[str, list[Call]], stopped: Iterable[str], eyes: Eyes
) -> list[PhoneRow]:
    """Give the list of phones; the one where something came last is the first."""
    out = set(stopped)
    numbers = list(dict.fromkeys([*phones, *calls]))
    last = {
        number: max(one.created_at for one in [*phones.get(number, ())[-1:], *calls.get(number, ())[-1:]])
        for number in numbers
    }
    numbers.sort(key=lambda number: last[number], reverse=True)
    return [
        _phone_row(number, phones.get(number, []), calls.get(number, []), number in out, eyes)
        for number in numbers
    ]


def _phone_row(
    number: str,
    thread: Sequence[Message],
    calls: Sequence[Call],
    opted_out: bool,  # noqa: FBT001 - a column of the row
    eyes: Eyes,
) -> PhoneRow:
    if calls and (not thread or calls[-1].created_at > thread[-1].created_at):
        call = calls[-1]
        said = " ".join(one.words for one in call.script.heard)
        preview, when = f"{_CALL_PROGRESS[call.status][1]}: {shorten(said)}", call.created_at
        failed = _CALL_PROGRESS[call.status][0] == "failed"
    else:
        message = thread[-1]
        mark = "You: " if message.direction == "inbound" else ""
        preview, when = mark + (shorten(message.body) or "(a file)"), message.created_at
        failed = message.status in {"failed", "undelivered"}
    return PhoneRow(
        number=number,
        shown=show_number(number),
        initials=number[-2:],
        hue=hue(number),
        preview=preview,
        when=eyes.short(when),
        count=len(thread) + len(calls),
        opted_out=opted_out,
        failed=failed,
    )


def chat_row(
    sid: str, name: str, messages: Sequence[ChatMessage], opened_at: datetime, eyes: Eyes
) -> ChatRow:
    """Give one line of the list of chats."""
    last = messages[-1] if messages else None
    mark = "You: " if last and last.source == "SDK" else ""
    return ChatRow(
        sid=sid,
        name=name,
        initials=name[:1].upper(),
        hue=hue(name),
        preview=mark + shorten(last.body) if last else "Nobody has written yet.",
        when=eyes.short(last.created_at if last else opened_at),
        count=len(messages),
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
