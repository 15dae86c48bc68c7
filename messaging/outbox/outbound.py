"""A stored message as its sender gets it: with its media, its template, its voice, and whether its window is open."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from messaging.senders.base import OutboundMessage
from messaging.store.tables import inbound_messages

# WhatsApp takes free words for 24 hours after the person's own. Five minutes less, since their clock is not ours, and
# a message that comes too late is paid for and lost (63016).
WINDOW = timedelta(hours=23, minutes=55)


def open_windows(connection: Connection, rows: Iterable[Row[Any]], now: datetime) -> frozenset[str]:
    """Give the hashes of the addresses among these messages whose owners wrote to us by WhatsApp just now."""
    hashes = {row.address_hash for row in rows if row.channel == "whatsapp"}
    if not hashes:
        return frozenset()
    table = inbound_messages.c
    wrote = select(table.address_hash).where(
        table.channel == "whatsapp", table.address_hash.in_(hashes), table.received_at > now - WINDOW
    )
    return frozenset(connection.execute(wrote).scalars())


def outbound(row: Row[Any], windows: frozenset[str] = frozenset()) -> OutboundMessage:
    """Give a row of `messages` as its sender gets it."""
    parts = row.parts or {}
    return OutboundMessage(
        message_id=row.message_id,
        channel=row.channel,
        to=row.address,
        body=row.body,
        subject=row.subject,
        html=row.html,
        message_class=row.message_class,
        media_urls=tuple(parts.get("media_urls", ())),
        content_sid=parts.get("content_sid"),
        content_variables=parts.get("content_variables", {}),
        window_open=row.channel == "whatsapp" and row.address_hash in windows,
        language=parts.get("language"),
        voice=parts.get("voice"),
    )
