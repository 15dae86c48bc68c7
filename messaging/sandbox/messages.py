"""A message as the sandbox keeps it, and as Twilio's API shows it."""

import hashlib
import mimetypes
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

API = "/2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read", "received"})
PRICE_PER_SEGMENT = 0.0079  # USD: what Twilio asked for a US long code in 2024; any positive price would do


@dataclass
class Message:
    """One SMS or WhatsApp message. Times are naive UTC; `sequence` is the order where they are equal."""

    sequence: int
    sid: str
    direction: str  # outbound-api | outbound-reply | inbound
    sender: str | None  # whom it is from
    recipient: str
    body: str
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    segments: int = 0
    media: tuple[str, ...] = ()
    error_code: int | None = None
    price: str | None = None
    service_sid: str | None = None
    status_callback: str | None = None
    callbacks: str = "normal"  # normal | none | double | reversed: a fault
    outcome: str = "delivered"  # where its way will end
    outcome_code: int | None = None
    content_sid: str | None = None  # the approved template that the body was written from

    @property
    def phone(self) -> str:
        """Give the number of the person, whichever way the message went."""
        return (self.sender or "") if self.direction == "inbound" else self.recipient

    @property
    def company(self) -> str:
        """Give the company's number, whichever way the message went."""
        return self.recipient if self.direction == "inbound" else (self.sender or "")

    def to_record(self) -> dict[str, Any]:
        """Give the message as JSON-able data, for the journal."""
        record = asdict(self)
        for name in ("created_at", "updated_at", "sent_at"):
            record[name] = record[name].isoformat() if record[name] else None
        return record


def from_record(record: dict[str, Any]) -> Message:
    """Read what `Message.to_record` wrote."""
    times = {
        name: datetime.fromisoformat(record[name]) if record[name] else None
        for name in ("created_at", "updated_at", "sent_at")
    }
    return Message(**{**record, **times, "media": tuple(record["media"])})


def resource(message: Message, account_sid: str) -> dict[str, Any]:
    """Give the message in the shape of Twilio's Messages API: RFC 2822 dates, counts and price as strings."""
    uri = f"{API}/Accounts/{account_sid}/Messages/{message.sid}"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": rfc_2822(message.created_at),
        "date_sent": rfc_2822(message.sent_at),
        "date_updated": rfc_2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None,
        "from": message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": str(len(message.media)),
        "num_segments": str(message.segments),
        "price": message.price,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": message.recipient,
        "uri": f"{uri}.json",
    }


def media_resource(message: Message, place: int, account_sid: str) -> dict[str, Any]:
    """Give one of a message's files in the shape of Twilio's Media resource."""
    url = message.media[place]
    own = hashlib.sha256(f"{message.sid} {place}".encode()).hexdigest()[:32]
    sid = url.rpartition("/")[2] if message.direction == "inbound" else f"ME{own}"
    return {
        "sid": sid,
        "account_sid": account_sid,
        "parent_sid": message.sid,
        "content_type": mimetypes.guess_type(url)[0] or "application/octet-stream",
        "date_created": rfc_2822(message.created_at),
        "date_updated": rfc_2822(message.updated_at),
        "uri": f"{API}/Accounts/{account_sid}/Messages/{message.sid}/Media/{sid}.json",
    }


def price(segments: int) -> str:
    """Give what a message costs, as Twilio writes it: a negative decimal with five places."""
    return f"-{PRICE_PER_SEGMENT * segments:.5f}"


def rfc_2822(moment: datetime | None) -> str | None:
    """Write a moment (naive UTC) as Twilio's older API does."""
    return format_datetime(moment.replace(tzinfo=UTC)) if moment else None
