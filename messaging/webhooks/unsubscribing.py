"""What an unsubscribe link changes in the store."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from messaging import consent
from messaging.store.tables import messages


def find_message(connection: Connection, message_id: str) -> Row[Any] | None:
    """Find the message that an unsubscribe link came in."""
    table = messages.c
    rows = select(table.message_id, table.customer_id, table.channel, table.address_hash)
    return connection.execute(rows.where(table.message_id == message_id)).first()


def unsubscribe(connection: Connection, message: Row[Any], at: datetime) -> None:
    """End marketing on this message's channel, for its address and everybody behind it (RFC 8058)."""
    consent.stop(
        connection,
        address_hash=message.address_hash,
        channel=message.channel,
        customer_ids=[message.customer_id],
        at=at,
        source="rapport",
        source_record_id=f"unsubscribe/{message.message_id}",
        reason="unsubscribe",
        method="link",
        evidence={"message_id": message.message_id},
    )
