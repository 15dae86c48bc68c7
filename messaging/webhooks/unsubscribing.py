"""What an unsubscribe link changes in the store."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from messaging import consent
from messaging.store.tables import consent_events, messages

SOURCE = "rapport"


def find_message(connection: Connection, message_id: str) -> Row[Any] | None:
    """Find the message that an unsubscribe link came in."""
    table = messages.c
    rows = select(table.message_id, table.customer_id, table.channel, table.address_hash)
    return connection.execute(rows.where(table.message_id == message_id)).first()


def unsubscribe(connection: Connection, message: Row[Any], at: datetime) -> None:
    """End marketing on this message's channel, for its address and everybody behind it (RFC 8058).

    The same link again is one word, but for somebody who agreed again since: then it is their newest.
    """
    record_id = f"unsubscribe/{message.message_id}"
    if _agreed_again(connection, message, record_id):
        record_id = f"{record_id}/{at.isoformat()}"
    consent.stop(
        connection,
        address_hash=message.address_hash,
        channel=message.channel,
        customer_ids=[message.customer_id],
        at=at,
        source=SOURCE,
        source_record_id=record_id,
        reason="unsubscribe",
        method="link",
        evidence={"message_id": message.message_id},
    )


def _agreed_again(connection: Connection, message: Row[Any], record_id: str) -> bool:
    said = consent.state(connection, [message.customer_id], None, message.channel)
    if said is None or not said.granted:
        return False
    table = consent_events.c
    before = exists().where(
        table.source == SOURCE, table.source_record_id == f"{record_id}#{message.customer_id}"
    )
    return bool(connection.execute(select(before)).scalar())
