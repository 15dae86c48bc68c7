"""What a client asks for when it creates a message, and the rules by which Twilio refuses it (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from messaging.sandbox.refusals import Refusal
from messaging.settings import is_loopback

MAGIC_RECIPIENTS = {  # https://www.twilio.com/docs/iam/test-credentials
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_SENDERS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
BODY_LIMIT = 1600
MEDIA_LIMIT = 10
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SHORT_CODE = re.compile(r"\d{3,8}")
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")  # a sender that cannot be answered
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_EARLIEST, _LATEST = timedelta(seconds=301), timedelta(days=35)


@dataclass(frozen=True)
class CreateRequest:
    """The form of POST /Messages.json, as far as the sandbox understands it."""

    to: str
    sender: str
    service_sid: str
    body: str
    media: tuple[str, ...]
    status_callback: str
    content_sid: str
    schedule_type: str
    send_at: str
    content_variables: str = ""

    @property
    def scheduled(self) -> bool:
        """Say whether it is for later; without a Messaging Service Twilio ignores that and sends at once."""
        return bool(self.schedule_type and self.service_sid)


def read_request(pairs: Sequence[tuple[str, str]]) -> CreateRequest:
    """Read the form's fields; of a repeated field the last one counts, MediaUrl excepted."""
    form: Mapping[str, str] = dict(pairs)
    return CreateRequest(
        to=form.get("To", "").strip(),
        sender=form.get("From", "").strip(),
        service_sid=form.get("MessagingServiceSid", "").strip(),
        body=form.get("Body", ""),
        media=tuple(value for name, value in pairs if name == "MediaUrl"),
        status_callback=form.get("StatusCallback", "").strip(),
        content_sid=form.get("ContentSid", "").strip(),
        schedule_type=form.get("ScheduleType", "").strip(),
        send_at=form.get("SendAt", "").strip(),
        content_variables=form.get("ContentVariables", ""),
    )


def refuse(request: CreateRequest, now: datetime) -> Refusal | None:
    """Give the first reason for which Twilio would not take the request, or None. `now` is naive UTC."""
    return (
        _refuse_recipient(request)
        or _refuse_sender(request)
        or _refuse_content(request)
        or refuse_callback(request.status_callback)
        or _refuse_schedule(request, now)
    )


def _refuse_recipient(request: CreateRequest) -> Refusal | None:
    if not request.to:
        return Refusal(21604)
    if request.to in MAGIC_RECIPIENTS:
        return Refusal(MAGIC_RECIPIENTS[request.to], request.to)
    if not NUMBER.fullmatch(request.to.removeprefix("whatsapp:")):
        return Refusal(21211, request.to)
    return None


def _refuse_sender(request: CreateRequest) -> Refusal | None:
    sender = request.sender
    if not sender:
        if not request.service_sid:
            return Refusal(21603)
        return None if _SERVICE.fullmatch(request.service_sid) else Refusal(20404, request.service_sid)
    if sender in MAGIC_SENDERS:
        return Refusal(MAGIC_SENDERS[sender], sender)
    if sender.startswith("whatsapp:") != request.to.startswith("whatsapp:"):
        return Refusal(21910)
    number = sender.removeprefix("whatsapp:")
    if not any(pattern.fullmatch(number) for pattern in (NUMBER, _SHORT_CODE, _ALPHANUMERIC)):
        return Refusal(21212, sender)
    return None


def _refuse_content(request: CreateRequest) -> Refusal | None:
    if request.content_sid:  # whether there is such a template, `Contents` knows
        return None
    if not request.body and not request.media:
        return Refusal(21602)
    if len(request.body) > BODY_LIMIT:
        return Refusal(21617)
    return _refuse_media(request.media)


def _refuse_media(media: Sequence[str]) -> Refusal | None:
    if len(media) > MEDIA_LIMIT:
        return Refusal(21623)
    wrong = [url for url in media if not url.startswith(("http://", "https://"))]
    return Refusal(21620, wrong[0]) if wrong else None


def refuse_callback(url: str) -> Refusal | None:
    """Refuse what is no URL or has a host with an underscore, as Twilio does, and all but this machine."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Refusal(21609, url)
    if parts.scheme not in {"http", "https"} or "_" in host or not is_loopback(host):
        return Refusal(21609, url)
    return None


def _refuse_schedule(request: CreateRequest, now: datetime) -> Refusal | None:
    if not request.scheduled:
        return None
    moment = read_moment(request.send_at)
    if moment is None or request.schedule_type != "fixed":
        return Refusal(35111)
    return None if _EARLIEST <= moment - now <= _LATEST else Refusal(35114)


def read_moment(text: str) -> datetime | None:
    """Read an ISO 8601 date or time as naive UTC, or give None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
