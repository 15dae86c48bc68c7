"""SendGrid's events: what became of mails, and what their readers did with them. Each counts once, in any order.

A hard bounce, a report as spam and an unsubscribing suppress; a mailbox's machine that loads pictures is no reader.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from messaging import consent
from messaging.addresses import Addresses, normalise_email
from messaging.complaints import Complaint, open_complaint
from messaging.consent import SuppressionReason
from messaging.outbox import StatusUpdate, apply_status, lock_all
from messaging.store.inserts import insert_new
from messaging.store.tables import messages
from messaging.store.tables_receiver import tracking_events
from messaging.webhooks.json_text import clean, read_json

PROVIDER = "sendgrid"
ON_THE_WAY = ("processed", "deferred", "delivered", "bounce", "dropped")
BY_READERS = ("open", "click")
LEAVING = ("unsubscribe", "group_unsubscribe")
MOST = 5000  # events of one post; SendGrid posts 768 KB at most
LONGEST = 300  # characters of an id
_DROPPED: Mapping[str, SuppressionReason] = {  # why SendGrid did not even try: by its own list
    "bounced address": "bounce",
    "invalid": "bounce",
    "spam reporting address": "complaint",
    "unsubscribed address": "unsubscribe",
}


@dataclass(frozen=True)
class MailEvent:
    """One event as it came. `message_id` is ours where SendGrid gave it back; `at` is naive UTC."""

    event_id: str
    kind: str
    sid: str
    message_id: str | None
    email: str
    at: datetime
    machine: bool
    url: str | None
    payload: Mapping[str, Any]


def read_events(body: bytes, now: datetime) -> tuple[list[MailEvent], int]:
    """Read a post: its events, and how many of its entries are none. Raises ValueError for what is no list."""
    entries = read_json(body)
    if not isinstance(entries, list) or len(entries) > MOST:
        raise ValueError("no list of events")
    read = [_read(entry, now) for entry in entries]
    events = [event for event in read if event is not None]
    return events, len(read) - len(events)


def record_events(
    connection: Connection, addresses: Addresses, events: Sequence[MailEvent], now: datetime
) -> int:
    """Take events, each once; give how many are new."""
    lock_all(connection, [event.message_id for event in events if event.message_id])
    return sum(_record(connection, addresses, event, now) for event in events)


def _record(connection: Connection, addresses: Addresses, event: MailEvent, now: datetime) -> int:
    if not insert_new(connection, tracking_events, [_row(event, now)]):
        return 0
    if event.kind in ON_THE_WAY or (event.kind in BY_READERS and not event.machine):
        said = StatusUpdate(PROVIDER, event.sid, event.kind, event.message_id, payload=event.payload)
        apply_status(connection, said, now)
    reason = _reason(event)
    if reason is not None:
        _suppress(connection, addresses, event, reason, now)
    return 1


def _suppress(
    connection: Connection, addresses: Addresses, event: MailEvent, reason: SuppressionReason, now: datetime
) -> None:
    """Write to this address no more; where it was its owner's word, that is a withdrawal of consent too."""
    address_hash = _address_hash(connection, addresses, event)
    if address_hash is None:
        return
    where: dict[str, Any] = {"address_hash": address_hash, "channel": "email", "at": now, "source": PROVIDER}
    if reason == "bounce":
        consent.suppress(connection, **where, reason=reason)
        return
    if event.kind == "spamreport":
        _complain(connection, event, address_hash, now)
    consent.stop(
        connection,
        **where,
        reason=reason,
        method="provider",
        source_record_id=f"event/{event.event_id}",
        evidence={"event": event.kind, "message_id": event.message_id},
    )


def _complain(connection: Connection, event: MailEvent, address_hash: str, now: datetime) -> None:
    """Rest marketing to whoever reported us as spam, on every channel, until somebody settles it with them."""
    row = select(messages.c.customer_id).where(messages.c.message_id == event.message_id)
    who = connection.execute(row).scalar() if event.message_id else None
    told = Complaint(PROVIDER, f"event/{event.event_id}", "spam_report", now, who, address_hash)
    open_complaint(connection, told)


def _address_hash(connection: Connection, addresses: Addresses, event: MailEvent) -> str | None:
    """Give whose event it is: the address of our message, which the provider may write otherwise, else the one named."""
    if event.message_id is not None:
        row = select(messages.c.address_hash).where(messages.c.message_id == event.message_id)
        found = connection.execute(row).scalar()
        if found is not None:
            return str(found)
    address = normalise_email(event.email)
    return addresses.hash(address) if address else None


def _reason(event: MailEvent) -> SuppressionReason | None:
    if event.kind == "spamreport":
        return "complaint"
    if event.kind in LEAVING:
        return "unsubscribe"
    if event.kind == "bounce":  # `blocked` is a refusal of today, by their server's policy
        return None if event.payload.get("type") == "blocked" else "bounce"
    return _DROPPED.get(str(event.payload.get("reason", "")).lower()) if event.kind == "dropped" else None


def _row(event: MailEvent, now: datetime) -> dict[str, Any]:
    told = {
        name: event.payload[name]
        for name in ("reason", "type", "status", "useragent")
        if name in event.payload
    }
    return {
        "event_id": f"{PROVIDER}/{event.event_id}",
        "kind": event.kind,
        "message_id": event.message_id,
        "occurred_at": event.at,
        "received_at": now,
        "machine": event.machine,
        "url": event.url,
        "detail": told,
    }


def _read(entry: Any, now: datetime) -> MailEvent | None:
    if not isinstance(entry, dict):
        return None
    told = clean(entry)
    event_id, kind = told.get("sg_event_id"), told.get("event")
    sid = str(told.get("sg_message_id") or "").partition(".")[0]
    if not _is_name(event_id) or not _is_name(kind) or not _is_name(sid):
        return None
    message_id, url = told.get("message_id"), told.get("url")
    return MailEvent(
        event_id=event_id,
        kind=kind,
        sid=sid,
        message_id=message_id if _is_name(message_id) else None,
        email=str(told.get("email") or ""),
        at=_moment(told.get("timestamp"), now),
        machine=told.get("sg_machine_open") is True,
        url=url[:2000] if isinstance(url, str) else None,
        payload=told,
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST


def _moment(value: Any, now: datetime) -> datetime:
    """Read Unix seconds; what cannot be a moment of these years is taken for now."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 33:
        return now
    at = datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
    return min(at, now + timedelta(days=1))
